/* An answer finds its place. htmx looks for it when it asks, and drops the whole answer without a word where that place was replaced meanwhile, by what is live or by another
   answer: what was clicked then seems lost. Here it goes to what came instead; where nothing did, at least what it says beside (a toast, a mistake in the dialog) is seen. */
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const { target, sourceElement: from, request } = ctx
  if (!(target instanceof Element) || target.isConnected || request.method === "GET" && from.matches("[data-live]")) return  // what is live is older than what took its place
  const where = from.getAttribute("hx-target") || ""
  const now = where[0] === "#" ? document.querySelector(where) : target.id && document.getElementById(target.id)
  if (now) ctx.target = now
  else if (request.method !== "GET") Object.assign(ctx, { target: document.body, swap: "none" })
})
// Who sent something and hears nothing is told so: where he is, because what lies under an open dialog says nothing.
document.addEventListener("htmx:error", ({ detail: { ctx } }) => {
  const said = document.getElementById("unanswered"), form = ctx?.sourceElement?.closest("dialog form")
  if (!said || !ctx?.request || ctx.response || ctx.request.method === "GET") return
  const toast = said.content.firstElementChild.cloneNode(true)
  if (!form) return document.getElementById("toasts").append(toast)
  form.querySelector("[data-unanswered]")?.remove()
  const line = Object.assign(document.createElement("p"), { className: "error", role: "alert", textContent: toast.textContent.trim() })
  line.dataset.unanswered = ""
  form.prepend(line)
})
