/* Copies the text of its <code> and says so for a moment. */
customElements.define("copy-text", class extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button")
    button.hidden = !navigator.clipboard   // browsers have none on plain http from elsewhere
    button.addEventListener("click", this)
  }
  async handleEvent() {
    const said = this.querySelector("button span"), before = said.textContent
    await navigator.clipboard.writeText(this.querySelector("code").textContent)
    said.textContent = this.dataset.done
    setTimeout(() => { said.textContent = before }, 2000)
  }
})
