/* The search of the top bar: "/" or Ctrl-K goes there, arrows choose among what was found, Enter opens it, Esc leaves. */
customElements.define("search-box", class extends HTMLElement {
  connectedCallback() {
    this.input = this.querySelector("input")
    this.found = this.querySelector(".found")
    Object.entries({ role: "combobox", "aria-expanded": "false", "aria-controls": this.found.id, "aria-autocomplete": "list" }).forEach(([name, value]) => this.input.setAttribute(name, value))
    this.found.setAttribute("role", "listbox")
    document.addEventListener("keydown", this)
    this.addEventListener("focusin", this)
    this.addEventListener("focusout", this)
    this.watcher = new MutationObserver(() => this.show())
    this.watcher.observe(this.found, { childList: true })
  }
  disconnectedCallback() { document.removeEventListener("keydown", this); this.watcher.disconnect() }
  get options() { return [...this.found.querySelectorAll("[role=option]:not([aria-disabled])")] }
  show(open = this.found.childElementCount > 0 && this.contains(document.activeElement)) {
    this.options.forEach((option, at) => { option.id = `found-${at}`; option.tabIndex = -1; option.ariaSelected = "false" })
    this.classList.toggle("open", open)
    this.input.setAttribute("aria-expanded", open)
    this.input.removeAttribute("aria-activedescendant")
    this.at = -1
  }
  handleEvent(event) {
    if (event.type === "focusin") return this.show()
    if (event.type === "focusout") return this.contains(event.relatedTarget) || this.show(false)
    const typing = event.target.closest("input, textarea, select, [contenteditable]")
    if ((event.key === "/" && !typing) || (event.key === "k" && (event.ctrlKey || event.metaKey))) {
      event.preventDefault()
      this.input.focus()
      this.input.select()
    } else if (event.target === this.input) this.choose(event)
  }
  choose(event) {
    const options = this.options, move = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (move && options.length) {
      event.preventDefault()
      this.at = (this.at + move + options.length + (this.at < 0 && move < 0 ? 1 : 0)) % options.length
      options.forEach((option, at) => { option.ariaSelected = String(at === this.at) })
      options[this.at].scrollIntoView({ block: "nearest" })
      this.input.setAttribute("aria-activedescendant", options[this.at].id)
    } else if (event.key === "Enter" && this.at >= 0) {
      event.preventDefault()
      options[this.at].click()
    } else if (event.key === "Escape") this.classList.contains("open") ? this.show(false) : this.input.blur()
  }
})
