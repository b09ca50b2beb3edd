/* Makes the SHA-256 of a file here, in the browser, and asks for that: the file itself goes nowhere. */
customElements.define("file-check", class extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form")
    this.input = this.querySelector("input[type=file]")
    if (!crypto.subtle) return   // browsers have none on plain http from elsewhere; pasting the hash goes on working
    this.querySelector("[data-file]").hidden = false
    this.input.addEventListener("change", this)
    this.addEventListener("dragover", this)
    this.addEventListener("drop", this)
  }
  handleEvent(event) {
    if (event.type !== "change") event.preventDefault()
    const file = event.type === "drop" ? event.dataTransfer.files[0] : this.input.files[0]
    if (event.type !== "dragover" && file) this.check(file)
  }
  async check(file) {
    const said = this.querySelector("[role=status]")
    said.textContent = this.dataset.busy
    try {
      const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer())
      this.form.elements.sha256.value = [...new Uint8Array(hash)].map(byte => byte.toString(16).padStart(2, "0")).join("")
      this.form.requestSubmit()
    } catch {
      said.textContent = this.dataset.failed
    }
  }
})
