/* Fills in the code that stands behind the # of the address (of a scanned QR code), and takes it out of the address and its history. */
customElements.define("code-in-address", class extends HTMLElement {
  connectedCallback() {
    const code = decodeURIComponent(location.hash.slice(1)).replace(/[^0-9A-Za-z]/g, "").toUpperCase()
    if (code.length !== 12) return
    this.querySelector("input").value = code.replace(/(.{4})(?=.)/g, "$1-")
    history.replaceState(history.state, "", location.pathname)
    this.closest("form").querySelector("button:not([type=button])").focus()
  }
})
