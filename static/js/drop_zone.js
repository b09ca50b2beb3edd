/* Files dropped or chosen go one by one, three at a time, each as its own POST of the form, with progress, stop and retry. */
customElements.define("drop-zone", class extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form")
    this.input = this.querySelector("input[type=file]")
    this.list = this.querySelector(".uploads")
    Object.assign(this, { queue: [], busy: 0 })
    this.input.addEventListener("change", () => { this.add(this.input.files); this.input.value = "" })
    this.form.addEventListener("submit", event => event.preventDefault())
    for (const kind of ["dragover", "dragleave", "drop"]) this.addEventListener(kind, this)
    addEventListener("beforeunload", this.leaving = event => { if (this.busy) event.preventDefault() })
  }
  disconnectedCallback() { removeEventListener("beforeunload", this.leaving) }
  handleEvent(event) {
    if (!event.dataTransfer?.types.includes("Files")) return
    event.preventDefault()
    this.classList.toggle("over", event.type === "dragover")
    if (event.type === "drop") this.add(event.dataTransfer.files)
  }
  add(files) {
    const make = (tag, more) => Object.assign(document.createElement(tag), more)
    for (const file of files) {
      const row = make("li"), button = make("button", { type: "button", className: "button button--quiet button--small" })
      row.append(make("span", { className: "name", textContent: file.name }), make("span", { className: "status" }), button, make("progress", { max: 1, value: 0, ariaLabel: file.name }))
      this.list.append(row)
      this.enqueue({ file, row, button })
    }
  }
  say(job, status, tone = "", action = "") {
    job.row.className = tone
    job.row.querySelector(".status").textContent = status
    job.button.hidden = !action
    job.button.textContent = action
    if (action) job.button.setAttribute("aria-label", `${action}: ${job.file.name}`)
  }
  enqueue(job) {
    this.say(job, this.list.dataset.waiting, "", this.list.dataset.cancel)
    job.button.onclick = () => { this.queue = this.queue.filter(other => other !== job); this.say(job, this.list.dataset.stopped) }
    this.queue.push(job)
    this.next()
  }
  next() {
    while (this.busy < 3 && this.queue.length) { this.busy++; this.send(this.queue.shift()) }
  }
  send(job) {
    const words = this.list.dataset, bar = job.row.querySelector("progress"), body = new FormData(this.form), request = new XMLHttpRequest()
    body.delete(this.input.name)
    body.append(this.input.name, job.file)      // last, so that the fields are known before the first byte
    request.open("POST", this.form.action)
    request.setRequestHeader("X-Requested-With", "drop-zone")
    request.upload.onprogress = event => {
      bar.value = event.loaded / event.total
      this.say(job, event.loaded < event.total ? `${Math.floor(100 * event.loaded / event.total)}%` : words.checking, "", words.cancel)
    }
    request.onload = () => {
      const away = new URL(request.responseURL).pathname.startsWith("/sign-in")
      request.status < 400 && !away ? this.done(job) : this.failed(job, away ? words.signedOut : this.reason(request), !away && request.status === 422)
    }
    Object.assign(request, { onerror: () => this.failed(job, words.failed), onabort: () => this.failed(job, words.stopped) })
    request.onloadend = () => { this.busy--; this.next() }
    job.button.onclick = () => request.abort()
    request.send(body)
  }
  reason(request) {
    if (!request.getResponseHeader("content-type")?.includes("html")) return request.responseText.slice(0, 300)
    const page = new DOMParser().parseFromString(request.responseText, "text/html")
    const words = ["[data-error]", ".error-summary li", ".error span", "main p:not(.muted)", "h1"].map(where => page.querySelector(where)?.textContent.trim())
    return words.find(Boolean) || this.list.dataset.failed
  }
  done(job) {
    job.row.querySelector("progress").value = 1
    this.say(job, this.list.dataset.done, "good")
    this.dispatchEvent(new CustomEvent("uploaded", { bubbles: true, detail: { name: job.file.name } }))
    if (this.dataset.refresh) document.querySelectorAll(this.dataset.refresh).forEach(element => element.dispatchEvent(new CustomEvent("live")))
  }
  failed(job, why, isFinal = false) {
    this.say(job, why, "danger", isFinal ? "" : this.list.dataset.retry)
    if (isFinal) return job.button.remove()
    job.button.onclick = () => this.enqueue(job)
  }
})
