/* A toast goes by itself after a while, not while it is looked at, and never when something went wrong. */
customElements.define("toast-note", class extends HTMLElement {
  connectedCallback() {
    const words = this.querySelector("p").textContent
    for (const other of this.parentElement.querySelectorAll("toast-note:not([data-undo]), toast-note:has([action^='/dossier-acts/'])")) if (other !== this && other.querySelector("p").textContent === words) other.remove()
    this.querySelector("[data-dismiss]")?.addEventListener("click", () => this.remove())
    if (this.dataset.kind === "danger") return
    for (const kind of ["pointerenter", "focusin"]) this.addEventListener(kind, () => clearTimeout(this.timer), true)
    for (const kind of ["pointerleave", "focusout"]) this.addEventListener(kind, () => this.start(), true)
    this.start()
  }
  disconnectedCallback() { clearTimeout(this.timer) }
  start() {
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.remove(), "undo" in this.dataset ? 20000 : 8000)
  }
})

/* Counts the seconds in which an act can be taken back; then goes to data-done, or says `finished`. */
customElements.define("undo-countdown", class extends HTMLElement {
  connectedCallback() {
    const end = Date.now() + 1000 * Number(this.dataset.seconds)
    this.timer = setInterval(() => {
      const left = Math.max(0, Math.ceil((end - Date.now()) / 1000))
      this.querySelector("output").value = left
      if (left) return
      clearInterval(this.timer)
      if (this.dataset.done) location.assign(this.dataset.done)
      else this.dispatchEvent(new CustomEvent("finished", { bubbles: true }))
    }, 250)
  }
  disconnectedCallback() { clearInterval(this.timer) }
})

/* Keeps the words of the checklist for the page that is shown without connection; forgets them at signing out. */
customElements.define("last-seen", class extends HTMLElement {
  connectedCallback() {
    if ("save" in this.dataset) return queueMicrotask(() => this.save())
    const kept = JSON.parse(localStorage.getItem("poort-last-seen") || "null")
    if (!kept) return
    const head = document.createElement("h2"), list = document.createElement("ul")
    head.textContent = `${this.dataset.heading || ""} ${new Date(kept.at).toLocaleString(document.documentElement.lang, { dateStyle: "long", timeStyle: "short" })}`
    list.append(...kept.lines.map(line => Object.assign(document.createElement("li"), { textContent: line })))
    this.replaceChildren(head, list)
  }
  save() {
    const lines = [...this.querySelectorAll("[data-seen]")].map(each => each.dataset.seen || each.textContent.replace(/\s+/g, " ").trim())
    if (lines.length) localStorage.setItem("poort-last-seen", JSON.stringify({ at: Date.now(), lines }))
  }
})
document.addEventListener("submit", event => {
  if (event.target.getAttribute("action") === "/sign-out") localStorage.removeItem("poort-last-seen")
})
