/* The keys of <folder-tree>: arrows, Home, End, Enter, space, letters, * (all beside it open), F2 and Delete. */
Object.assign(customElements.get("folder-tree").prototype, {
  keydown(event) {
    const item = event.target
    if (item.role !== "treeitem" || event.ctrlKey || event.metaKey || event.altKey) return
    const items = this.items, at = items.indexOf(item), details = this.details(item), act = {
      ArrowDown: () => this.go(items[at + 1]), ArrowUp: () => this.go(items[at - 1]), Home: () => this.go(items[0]), End: () => this.go(items.at(-1)),
      ArrowRight: () => details && (details.open ? this.go(details.querySelector("li")) : (details.open = true)),
      ArrowLeft: () => (details?.open ? (details.open = false) : this.go(item.parentElement.closest("li"))),
      Enter: () => { this.memory.entered = true; this.remember(); this.link(item).click() }, " ": () => (details ? (details.open = !details.open) : this.link(item).click()),
      "*": () => [...item.parentElement.children].forEach(beside => { if (this.details(beside)) this.details(beside).open = true }),
      F2: () => this.row(item)?.querySelector("[data-rename]")?.click(), Delete: () => this.row(item)?.querySelector("[data-delete]")?.click(),
    }[event.key]
    if (act) { event.preventDefault(); act() } else if (event.key.length === 1) this.type(event.key, items, at)
  },
  type(letter, items, at) {
    clearTimeout(this.pause)
    this.typed = (this.typed || "") + letter.toLowerCase()
    this.pause = setTimeout(() => { this.typed = "" }, 700)
    const from = this.typed.length > 1 ? at : at + 1
    this.go([...items.slice(from), ...items.slice(0, from)].find(item => item.ariaLabel?.toLowerCase().startsWith(this.typed)))
  },
})
