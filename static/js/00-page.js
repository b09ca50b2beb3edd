/* The page as a whole: says that the script runs, the one dialog, connection lost, focus on what is wrong. */
// Settling puts the attributes of the old element back for a moment: it would take away what our elements have just set.
htmx.config.defaultSettleDelay = 0
{
  const root = document.documentElement
  root.classList.add("js")
  const chosen = document.cookie.match(/(?:^|; )theme=(light|dark)/)
  if (chosen) root.dataset.theme = chosen[1]

  const dialog = () => document.getElementById("dialog")
  const close = () => { if (dialog()?.open) dialog().close() }

  document.addEventListener("htmx:after:swap", event => {
    const { ctx } = event.detail, body = document.getElementById("dialog-body"), from = ctx.sourceElement
    // A form that was carried out and still stands in the dialog has nothing more to say there.
    if (from?.matches("form, button") && body?.contains(from) && ctx.request.method !== "GET" && ctx.response?.status < 400 && !("stay" in from.dataset)) return close()
    const target = typeof ctx.target === "string" ? document.querySelector(ctx.target) : ctx.target  // hx-status names it by selector
    if (target !== body && !body?.contains(target)) return
    if (!body.childElementCount) return close()
    const title = body.querySelector("h1, h2")
    if (title) dialog().setAttribute("aria-label", title.textContent.trim())
    if (!dialog().open) {
      dialog().showModal()
      body.querySelector("[autofocus]")?.focus()
    }
  })
  const bringTabsIntoView = () => document.querySelectorAll(".tabs [aria-current]").forEach(tab => {
    const strip = tab.closest(".tabs")
    strip.scrollLeft = tab.offsetLeft - strip.offsetLeft - (strip.clientWidth - tab.offsetWidth) / 2
  })
  document.addEventListener("DOMContentLoaded", bringTabsIntoView)
  document.addEventListener("htmx:after:swap", bringTabsIntoView)
  document.addEventListener("close-dialog", close)
  document.addEventListener("close", event => {
    if (event.target.id === "dialog") document.getElementById("dialog-body").replaceChildren()
  }, true)

  document.addEventListener("click", event => {
    const opener = event.target.closest("[data-dialog]")
    const own = opener && document.getElementById(opener.dataset.dialog)
    if (own?.showModal) { event.preventDefault(); own.showModal() }
    const closer = event.target.closest("dialog [data-close]")
    if (closer) { event.preventDefault(); closer.closest("dialog").close() }
    const item = event.target.closest("[popover] .menu-item")
    if (item && item.type !== "submit") item.closest("[popover]").hidePopover()
    if (event.target.matches("dialog")) event.target.close()
  })

  document.addEventListener("keydown", event => {
    if (event.key === "Escape" && !event.isComposing) event.target.closest?.("form")?.querySelector("[data-cancel]")?.click()
  })

  // What was swapped in and is wrong gets the focus, unless the server already marked a control.
  document.addEventListener("htmx:after:swap", event => {
    const target = event.detail.ctx.target
    if (!target?.isConnected || target.contains(document.activeElement)) return
    target.querySelector?.("[aria-invalid=true], .error-summary")?.focus()
  })

  const offline = () => { const banner = document.getElementById("offline"); if (banner) banner.hidden = navigator.onLine }
  addEventListener("online", offline)
  addEventListener("offline", offline)
  document.addEventListener("DOMContentLoaded", offline)
}
