/* In what stands at the foot of a small screen: where that would take up nearly half of it, as with large text, it says so (data-tall), and has its place in the page. */
customElements.define("foot-bar", class extends HTMLElement {
  connectedCallback() {
    const bar = this.parentElement
    this.look = () => bar.toggleAttribute("data-tall", bar.scrollHeight > innerHeight * .45)
    this.watch = new ResizeObserver(this.look)
    for (const one of [bar, ...bar.children]) this.watch.observe(one)
    addEventListener("resize", this.look)
  }
  disconnectedCallback() {
    this.watch?.disconnect()
    removeEventListener("resize", this.look)
  }
})
