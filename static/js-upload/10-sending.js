/* One file on its way by the tus protocol 1.0.0: announced, sent in pieces, gone on with by itself after whatever broke it off.
   What it throws says why; `again`: may be tried by itself, `retry`: by who sends it, `stopped`: he wanted so. */
const PIECE = 8 * 2 ** 20, PAUSES = [.5, 1, 2, 4, 8, 15, 30, 30, 30, 30]  // bytes; seconds, as long as nothing more arrives
const WEEK = 7 * 864e5
const anyKey = () => `${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`
const uploadMemory = { get: key => { try { return JSON.parse(localStorage.getItem(key)) } catch { return null } }, set: (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)) } catch {} } }
const base64 = bytes => btoa(String.fromCharCode(...new Uint8Array(bytes)))

class Sending {
  constructor(job, words) {
    const { name, size, lastModified } = job.file
    Object.assign(this, { job, words, file: job.file, key: anyKey() })
    this.memory = `upload ${JSON.stringify([job.target, job.path, name, size, lastModified])}`
  }
  run() {
    const inTurn = this.file.size > PIECE && navigator.locks  // another tab may be sending the very same
    return inTurn ? navigator.locks.request(this.memory, () => this.persist()) : this.persist()
  }
  async persist() {
    for (let tries = 0, best = 0; ;) {
      try { return await this.go() } catch (problem) {
        if (this.job.sent > best) { tries = 0; best = this.job.sent }
        if (!problem.again || tries === PAUSES.length) throw problem
        await this.pause(PAUSES[tries++])
        if (this.over) throw { stopped: true }
      }
    }
  }
  pause(seconds) {
    return new Promise(resolve => {
      const wake = () => { clearTimeout(timer); removeEventListener("online", wake); resolve() }, timer = setTimeout(wake, seconds * 1000)
      addEventListener("online", wake)
      this.wake = wake
    })
  }
  async go() {
    const { file } = this
    this.url ||= this.recall()
    let told = this.url ? await tusRequest(this, "HEAD", this.url) : await this.announce()
    if (told.gone) { this.forget(); throw { again: true, why: this.words.failed } }
    while (!told.result && told.offset < file.size) told = await tusRequest(this, "PATCH", this.url, await this.piece(told.offset))
    if (!told.result) throw { again: true, why: this.words.failed }  // all is there, and not yet what became of it
    this.forget()
    return told.result
  }
  async announce() {
    const { target, path, batch } = this.job, said = { filename: this.file.name, path, batch, key: this.key, ...target }, encoder = new TextEncoder()
    const metadata = Object.entries(said).filter(([, value]) => value).map(([name, value]) => `${name} ${base64(encoder.encode(value))}`).join(",")
    const first = this.file.size <= PIECE ? await this.piece(0) : { headers: {} }
    const told = await tusRequest(this, "POST", "/uploads", { ...first, headers: { ...first.headers, "Upload-Length": this.file.size, "Upload-Metadata": metadata } })
    this.url = told.location
    if (this.file.size > PIECE) uploadMemory.set(this.memory, { url: told.location, at: Date.now() })
    return told
  }
  async piece(offset) {
    const body = await this.file.slice(offset, offset + PIECE).arrayBuffer().catch(() => { throw { why: this.words.unreadable, retry: true } })
    const headers = { "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream" }
    if (crypto.subtle) headers["Upload-Checksum"] = `sha256 ${base64(await crypto.subtle.digest("SHA-256", body))}`
    return { offset, headers, body }
  }
  halt() { this.over = true; clearTimeout(this.watch); this.request?.abort(); this.wake?.() }
  stop() { this.halt(); this.forget(true) }
  recall() { const known = uploadMemory.get(this.memory); return known?.at > Date.now() - WEEK ? known.url : null }
  forget(there) {
    if (there && this.url) fetch(this.url, { method: "DELETE", headers: { "Tus-Resumable": "1.0.0" } }).catch(() => {})
    try { localStorage.removeItem(this.memory) } catch {}
    Object.assign(this, { url: null, key: anyKey() })  // sent again it is another upload
  }
}
