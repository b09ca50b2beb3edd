/* <paste-bar> says what was cut or copied, in this tab or another, and pastes it here. Ctrl+X, Ctrl+C and Ctrl+V in tree and table; Escape forgets.
   In the table besides: F2 names, Delete throws away, arrows go up and down, and a row keeps the focus when the list is drawn again. */
customElements.define("paste-bar", class extends HTMLElement {
  connectedCallback() {
    this.querySelector("[data-paste]").addEventListener("click", () => this.paste(this.dataset.into))
    this.querySelector("[data-forget]").addEventListener("click", () => this.keep(null))
    addEventListener("storage", this.heard = event => { if (event.key === "poort-clipboard") this.show() })
    document.addEventListener("keydown", this)
    document.addEventListener("htmx:after:swap", this.swapped = () => this.show())
    this.show()
  }
  disconnectedCallback() {
    removeEventListener("storage", this.heard)
    document.removeEventListener("keydown", this)
    document.removeEventListener("htmx:after:swap", this.swapped)
  }
  get kept() { return JSON.parse(localStorage.getItem("poort-clipboard") || "null") }
  keep(what) {
    what ? localStorage.setItem("poort-clipboard", JSON.stringify(what)) : localStorage.removeItem("poort-clipboard")
    this.show()
  }
  show() {
    const kept = this.kept
    this.hidden = !kept
    document.querySelectorAll(".cut").forEach(row => row.classList.remove("cut"))
    if (!kept) return
    this.querySelector("output").textContent = (kept.do === "move" ? this.dataset.cut : this.dataset.copied).replace("{n}", kept.ids.length) + (kept.name ? `: ${kept.name}` : "")
    this.querySelector("[data-elsewhere]").hidden = !kept.at || kept.at === this.dataset.items
    if (kept.do === "move") for (const id of kept.ids) document.querySelectorAll(`[data-item="${id}"]${id[0] === "f" ? `, #folder-${id.slice(1)}` : ""}`).forEach(row => row.classList.add("cut"))
  }
  async paste(into) {
    const kept = this.kept
    if (!kept) return
    if (!into && kept.ids.some(id => id[0] === "d")) { this.querySelector("output").textContent = this.dataset.documents; return }
    if (kept.do === "move") this.keep(null)
    await items.act({ do: kept.do, into: into || "", ids: kept.ids.join() })
  }
  handleEvent(event) {
    const at = event.target, row = at.closest?.("tr[data-item]"), ctrl = event.ctrlKey || event.metaKey, key = event.key.toLowerCase()
    if (at.matches?.("input:not([type=checkbox]), textarea, select") || document.querySelector("dialog[open]") || event.defaultPrevented) return
    const ids = items.of(at), take = how => this.keep({ do: how, ids, at: this.dataset.items, name: ids.length === 1 ? (row?.querySelector("td[id] a") || at.querySelector?.("a"))?.textContent.trim().slice(0, 60) : "" })
    const go = by => (row.parentElement.children[[...row.parentElement.children].indexOf(row) + by]?.querySelector(at.matches("input") ? "input" : at.matches("[data-rename]") ? "[data-rename]" : "td[id] a"))?.focus()
    const act = ctrl ? !event.shiftKey && !event.altKey && {
      x: ids.length && (() => take("move")), c: ids.length && getSelection().isCollapsed && (() => take("copy")),
      v: this.kept && (() => this.paste(at.role === "treeitem" ? items.into(at) : this.dataset.into)),
    }[key] : event.key === "Escape" ? this.kept && (() => this.keep(null)) : row && !event.shiftKey && !event.altKey && {
      F2: () => row.querySelector("[data-rename]")?.click(), Delete: row.querySelector("[data-rename]") && (() => items.act({ do: "trash", ids: ids.join() })),
      ArrowDown: () => go(1), ArrowUp: () => go(-1),
    }[event.key]
    if (act) { event.preventDefault(); act() }
  }
})
document.addEventListener("htmx:after:swap", () => {
  const list = document.querySelector("#documents[data-focus]")
  if (!list) return
  list.querySelector(`[data-item="${list.dataset.focus}"] td[id] a`)?.focus()
  delete list.dataset.focus
})
document.addEventListener("submit", event => {
  const form = event.target, action = form.getAttribute("action") || "", note = form.closest("toast-note")
  if (action === "/sign-out") localStorage.removeItem("poort-clipboard")
  const tree = document.querySelector("folder-tree[data-items]")
  if (!note || !tree || !action.startsWith("/dossier-acts/")) return
  event.preventDefault()
  note.remove()
  items.act({ back: location.pathname + location.search }, `${action}?tree=${tree.dataset.dossier}`)
})
/* What is live and was on its way already does not come over a name that is being typed: it is asked for again. */
document.addEventListener("htmx:before:swap", event => {
  const from = event.detail.ctx.sourceElement, own = from?.matches?.("#documents, folder-tree") && from
  if (!own || !document.querySelector(`#${own.id} :is(.row-form, .tree-row--form)`)) return
  event.preventDefault()
  setTimeout(() => document.getElementById(own.id)?.dispatchEvent(new CustomEvent("live")), 2000)
})
