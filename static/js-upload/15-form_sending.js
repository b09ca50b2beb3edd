/* One file by the form of its drop zone, in one go: for what has a plain address of its own, as a placing has. As Sending otherwise. */
class FormSending {
  constructor(job, words) { Object.assign(this, { job, words }) }
  run() {
    const { job, words } = this, request = this.request = new XMLHttpRequest(), body = new FormData()
    body.append("files", job.file)
    return new Promise((resolve, reject) => {
      request.open("POST", job.target.form)
      request.setRequestHeader("X-Requested-With", "drop-zone")
      request.upload.onprogress = ({ loaded, total }) => { job.sent = Math.floor(job.file.size * loaded / (total || 1)) }
      request.onload = () => {
        if (new URL(request.responseURL).pathname.startsWith("/sign-in")) reject({ why: words.signedOut, retry: true })
        else if (request.status < 400) resolve({ state: "done", name: job.file.name })
        else reject({ why: this.reason(), retry: request.status !== 422 })
      }
      Object.assign(request, { onerror: () => reject({ why: words.failed, retry: true }), onabort: () => reject({ stopped: true }) })
      request.send(body)
    })
  }
  reason() {
    if (!this.request.getResponseHeader("content-type")?.includes("html")) return this.request.responseText.slice(0, 300) || this.words.failed
    const page = new DOMParser().parseFromString(this.request.responseText, "text/html")
    const said = ["[data-error]", ".error-summary li", ".error span", "main p:not(.muted)", "h1"].map(where => page.querySelector(where)?.textContent.trim())
    return said.find(Boolean) || this.words.failed
  }
  halt() { this.request?.abort() }
  stop() { this.halt() }
}
