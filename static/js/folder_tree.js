/* The roles and memory of a tree of <details> and links: open folders and focus survive swaps. Its keys are in folder_tree_keys.js. */
let holding = ""  // the tree that has the focus: it may be swapped as a whole
document.addEventListener("focusin", event => { if (!event.target.closest("dialog")) holding = event.target.closest("folder-tree")?.key || "" })
document.addEventListener("close", () => document.querySelectorAll("folder-tree").forEach(tree => tree.dress()), true)  // gives the focus back
document.addEventListener("htmx:config:request", event => {  // what stands open is drawn again with the tree
  const tree = document.querySelector("folder-tree[data-dossier]")
  if (tree) event.detail.ctx.request.headers["Poort-Open"] = tree.opened()
})
customElements.define("folder-tree", class extends HTMLElement {
  connectedCallback() {
    this.key = `tree-${this.dataset.key || location.pathname}`
    this.memory = { open: {}, at: "", near: [], chosen: [], ...JSON.parse(sessionStorage.getItem(this.key) || "{}") }
    this.reveal(document.getElementById(this.dataset.reveal || ""))
    this.hadFocus = holding === this.key || !!this.memory.entered  // by Enter, which leads to a page of its own
    this.memory.entered = false
    this.remember()
    this.seen = new WeakSet()  // remembered state is for what is new here; after that the person decides
    for (const kind of ["keydown", "focusin", "click"]) this.addEventListener(kind, this)
    this.addEventListener("toggle", this, true)
    this.watcher = new MutationObserver(() => this.dress())
    this.watcher.observe(this, { childList: true, subtree: true })
    this.dress()
  }
  reveal(item) {
    if (item) this.memory.at = item.id
    for (let above = item?.parentElement.closest("li"); above; above = above.parentElement.closest("li")) this.memory.open[above.id] = true
  }
  disconnectedCallback() { this.watcher.disconnect() }
  get items() { return [...this.querySelectorAll("li")].filter(item => !item.parentElement.closest("details:not([open])")) }
  details(item) { return item.querySelector(":scope > details") }
  row(item) { return item.querySelector(":scope > .tree-row") }
  link(item) { return item.querySelector(":scope > a, :scope > .tree-row > a") }
  opened() {
    const lists = [...this.querySelectorAll("details[open] > ul")].map(list => [list.closest("li").dataset.id, list])
    return [[0, this.querySelector("ul")], ...lists].slice(0, 100).map(([id, list]) => `${id}:${list?.querySelectorAll(":scope > li:not(.tree-gap)").length || 0}`).join()
  }
  dress() {
    const top = this.querySelector("ul")
    if (!top) return
    Object.assign(top, { role: "tree", ariaLabel: this.getAttribute("aria-label") || "" })
    this.querySelectorAll("ul ul").forEach(list => list.setAttribute("role", "none"))
    for (const item of this.querySelectorAll("li")) {
      const details = this.details(item), link = this.link(item), above = item.parentElement.closest("li")
      if (!link) { item.setAttribute("role", "none"); continue }  // a row that is being renamed
      Object.assign(item, { role: "treeitem", ariaLabel: [...link.childNodes].map(part => part.textContent.trim()).filter(Boolean).join(" "), ariaLevel: above ? Number(above.ariaLevel) + 1 : 1, ariaCurrent: link.ariaCurrent })
      if (item.dataset.of) Object.assign(item, { ariaSetSize: item.dataset.of, ariaPosInSet: item.dataset.place })
      if (details) {
        if (!this.seen.has(details) && item.id in this.memory.open) details.open = this.memory.open[item.id]
        this.seen.add(details)
        item.setAttribute("aria-expanded", details.open)
        details.setAttribute("role", "group")
        Object.assign(details.querySelector("summary"), { tabIndex: -1, ariaHidden: true })
      }
      item.querySelectorAll(":scope > a, :scope > .tree-row :is(a, button)").forEach(inside => { inside.tabIndex = -1 })
    }
    const items = this.items.filter(item => item.role === "treeitem")
    const known = [this.memory.at, ...this.memory.near].map(id => items.find(item => item.id === id))  // what is gone leaves the place to its neighbour
    const at = known.find(Boolean) || items.find(item => item.ariaCurrent) || items[0]
    this.querySelectorAll("li").forEach(item => { item.tabIndex = item === at ? 0 : -1 })
    this.paint?.()
    if (this.hadFocus && at && (document.activeElement === document.body || !document.activeElement)) at.focus({ preventScroll: true })
  }
  go(item) { item?.focus() }
  handleEvent(event) { this[event.type](event) }
  focusin(event) {
    const item = event.target.closest("li")
    this.hadFocus = true
    if (item !== event.target) return
    this.memory.at = item.id
    this.memory.near = [item.nextElementSibling, item.previousElementSibling, item.parentElement.closest("li")].map(other => other?.id)
    this.querySelectorAll("li[tabindex='0']").forEach(other => { other.tabIndex = -1 })
    item.tabIndex = 0
    this.remember()
  }
  click(event) {
    const row = event.target.closest(".tree-row"), details = row && !event.target.closest("a, button, input, form") && !event.ctrlKey && !event.shiftKey && !event.metaKey && this.details(row.parentElement)
    if (details) details.open = !details.open
    const gap = event.target.closest(".tree-gap")
    if (gap) this.memory.near = [gap.previousElementSibling?.id]
  }
  toggle(event) {
    const item = event.target.closest("li")
    item.setAttribute("aria-expanded", event.target.open)
    this.memory.open[item.id] = event.target.open
    this.remember()
  }
  remember() { sessionStorage.setItem(this.key, JSON.stringify(this.memory)) }
})
