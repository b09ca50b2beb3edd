/* <password-field> shows and hides what is typed; <pin-field> keeps to digits and sends itself when complete (data-send). */
customElements.define("password-field", class extends HTMLElement {
  connectedCallback() { this.querySelector("button")?.addEventListener("click", this) }
  handleEvent() {
    const input = this.querySelector("input"), shown = input.type === "password", button = this.querySelector("button")
    input.type = shown ? "text" : "password"
    button.setAttribute("aria-pressed", shown)
    const use = button.querySelector("use")
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, shown ? "#eye-off" : "#eye"))
  }
})

customElements.define("pin-field", class extends HTMLElement {
  connectedCallback() { this.querySelector("input").addEventListener("input", this) }
  handleEvent(event) {
    const digits = event.target.value.replace(/\D/g, "").slice(0, Number(this.dataset.digits))
    if (digits !== event.target.value) event.target.value = digits
    if ("send" in this.dataset && digits.length === Number(this.dataset.digits)) event.target.form.requestSubmit()
  }
})

customElements.define("theme-choice", class extends HTMLElement {
  connectedCallback() {
    const now = document.documentElement.dataset.theme || ""
    this.querySelectorAll("input").forEach(input => { input.checked = input.value === now })
    this.addEventListener("change", this)
  }
  handleEvent(event) {
    const theme = event.target.value
    document.cookie = `theme=${theme}; path=/; samesite=lax; max-age=${theme ? 31536000 : 0}`
    theme ? (document.documentElement.dataset.theme = theme) : delete document.documentElement.dataset.theme
  }
})

/* <colour-field for="id"> holds the browser's picker and keeps it in step with the field in which the colour is typed. */
customElements.define("colour-field", class extends HTMLElement {
  connectedCallback() {
    const typed = document.getElementById(this.getAttribute("for")), picker = this.querySelector("input")
    picker.addEventListener("input", () => { typed.value = picker.value; typed.dispatchEvent(new Event("input", { bubbles: true })) })
    typed.addEventListener("input", () => { if (/^#[0-9a-f]{6}$/i.test(typed.value)) picker.value = typed.value.toLowerCase() })
  }
})
