/* The pages of a document: + and - come closer or go back, 0 fits; the field says which page one sees, and goes to one.
   A page with data-seen is told of there when it came into view: a browser fetches pages ahead that nobody looks at. */
customElements.define("page-viewer", class extends HTMLElement {
  connectedCallback() {
    this.roll = this.querySelector(".pages-roll")
    if (!this.roll) return
    this.field = this.querySelector("[name=page]")
    this.addEventListener("keydown", this)
    this.addEventListener("submit", this)
    this.watcher = new IntersectionObserver(seen => this.see(seen), { root: this.roll, rootMargin: "-45% 0px -45% 0px" })
    this.roll.querySelectorAll("figure").forEach(page => this.watcher.observe(page))
    this.witness = new IntersectionObserver(seen => this.tell(seen), { threshold: [.1, .2, .3] })
    this.roll.querySelectorAll("[data-seen]").forEach(page => this.witness.observe(page))
  }
  disconnectedCallback() { this.watcher?.disconnect(); this.witness?.disconnect() }
  tell(seen) {
    for (const { target, intersectionRatio: part, intersectionRect: here, rootBounds: screen } of seen) {
      if (part < .3 && here.height < (screen?.height ?? innerHeight) / 2) continue
      this.witness.unobserve(target)
      fetch(target.dataset.seen, { method: "POST", keepalive: true }).catch(() => this.witness.observe(target))
    }
  }
  see(seen) {
    const page = seen.find(one => one.isIntersecting)
    if (page && this.field && document.activeElement !== this.field) this.field.value = page.target.id.slice(5)
  }
  handleEvent(event) {
    if (event.type === "submit") {
      const page = this.querySelector(`[id="page-${Number.parseInt(this.field.value)}"]`)
      if (!page) return      // on another screen: the server goes there
      event.preventDefault()
      page.scrollIntoView({ block: "start" })
      return this.roll.focus({ preventScroll: true })
    }
    const zoom = !event.ctrlKey && !event.metaKey && event.target !== this.field && this.querySelector(`a[data-key="${event.key === "=" ? "+" : CSS.escape(event.key)}"]`)
    if (!zoom) return
    event.preventDefault()
    zoom.click()
  }
})
