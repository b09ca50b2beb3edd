/* One request of the protocol. Resolves to { result } when the file is over, else to { offset, location } or { gone };
   rejects as described at Sending. */
const PASSING = [408, 409, 423, 425, 429, 460, 500, 502, 503, 504]
const tusRequest = (sending, method, url, { offset = 0, headers = {}, body = null } = {}) => new Promise((resolve, reject) => {
  if (sending.over) return reject({ stopped: true })
  const request = sending.request = new XMLHttpRequest(), { words, job, file } = sending, lost = () => { clearTimeout(sending.watch); reject({ again: true, retry: true, why: words.failed }) }
  request.open(method, url)
  for (const [name, value] of Object.entries({ "Tus-Resumable": "1.0.0", ...headers })) request.setRequestHeader(name, value)
  request.upload.onprogress = ({ loaded, total }) => {
    clearTimeout(sending.watch)
    if (loaded < total) sending.watch = setTimeout(() => { lost(); request.abort() }, 60000)
    job.sent = offset + Math.min(loaded, file.size - offset)
  }
  request.onload = () => {
    const head = name => request.getResponseHeader(name), { status } = request, why = request.responseText.slice(0, 300) || words.failed
    const said = head("Upload-Result"), result = said && JSON.parse(decodeURIComponent(said)), isGone = ["stopped", "expired"].includes(result?.state)
    job.receipt = head("Upload-Receipt") || job.receipt
    if (new URL(request.responseURL).pathname.startsWith("/sign-in")) reject({ why: words.signedOut, retry: true })
    else if (result && !isGone) resolve({ result, location: head("Location") })
    else if (isGone || status === 410 || status === 404 && method !== "POST") resolve({ gone: true })
    else if (status < 300 && head("Tus-Resumable")) { const at = +head("Upload-Offset"); job.sent = at; resolve({ offset: at, location: head("Location") }) }
    else reject(PASSING.includes(status) ? { again: true, retry: true, why } : { why, retry: status === 507 })
  }
  Object.assign(request, { onerror: lost, ontimeout: lost, onabort: () => reject({ stopped: true }) })
  request.send(body)
})
