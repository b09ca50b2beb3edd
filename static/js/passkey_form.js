/* A form that is sent with what a passkey signed (data-make: with a new passkey). Asks the server what to sign, the browser to sign it.
   With data-autofill the browser also offers passkeys where the address is typed. Without passkeys the element stays hidden. */
{
  const LISTENS = 9 * 60 * 1000   // a little shorter than the server takes a challenge for
  const bytes = text => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), letter => letter.charCodeAt(0))
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "")
  const named = list => list?.map(one => ({ ...one, id: bytes(one.id) }))

  customElements.define("passkey-form", class extends HTMLElement {
    async connectedCallback() {
      if (!window.PublicKeyCredential) return this.querySelector("[name=method]:not([value=passkey])")?.click()
      this.hidden = false
      this.addEventListener("submit", this)
      if ("autofill" in this.dataset && await PublicKeyCredential.isConditionalMediationAvailable?.()) this.listen()
    }
    disconnectedCallback() {
      clearTimeout(this.timer)
      this.asking?.abort("gone")
    }
    handleEvent(event) {
      const field = this.querySelector("[name=credential]"), way = this.querySelector("[name=method]:is(:checked, [type=hidden])")
      if (!field || (way && way.value !== "passkey")) return   // of several ways to show who one is, another was chosen
      this.button = event.submitter
      if (field.value || !this.querySelector("form").checkValidity()) return
      event.preventDefault()
      this.ask().catch(error => this.fail(error))
    }
    async listen() {
      clearTimeout(this.timer)
      this.timer = setTimeout(() => this.listen(), LISTENS)
      try { await this.ask({ mediation: "conditional" }) } catch (error) { if (error?.name) console.debug(error.name) }
    }
    async ask(more = {}) {
      this.asking?.abort("another")
      const asking = this.asking = new AbortController(), make = "make" in this.dataset
      if (!more.mediation) this.querySelector("[role=alert]").hidden = true
      const answer = await fetch(this.dataset.options, { credentials: "same-origin" })
      if (!answer.ok || asking.signal.aborted) throw new Error("no options")
      const options = await answer.json()
      options.challenge = bytes(options.challenge)
      if (make) options.user.id = bytes(options.user.id)
      options.excludeCredentials = named(options.excludeCredentials)
      options.allowCredentials = named(options.allowCredentials)
      const asked = { publicKey: options, signal: asking.signal, ...more }
      const made = await (make ? navigator.credentials.create(asked) : navigator.credentials.get(asked))
      this.querySelector("[name=credential]").value = JSON.stringify(this.written(made))
      this.querySelector("form").requestSubmit(this.button)
    }
    written({ id, rawId, type, response: said }) {
      const response = { clientDataJSON: text(said.clientDataJSON) }
      if (said.attestationObject) {
        response.attestationObject = text(said.attestationObject)
        response.transports = said.getTransports?.() ?? []
      } else {
        response.authenticatorData = text(said.authenticatorData)
        response.signature = text(said.signature)
        if (said.userHandle) response.userHandle = text(said.userHandle)
      }
      return { id, rawId: text(rawId), type, response }
    }
    fail(error) {
      if (error === "another" || error === "gone") return
      const alert = this.querySelector("[role=alert]")
      alert.hidden = false
      alert.textContent = error?.name === "InvalidStateError" ? alert.dataset.known : alert.dataset.failed
      if ("autofill" in this.dataset) PublicKeyCredential.isConditionalMediationAvailable?.().then(can => can && this.listen())
    }
  })
}
