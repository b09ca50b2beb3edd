/* What becomes of the files of this page: all together with rate and time left, and a row for each that moves, failed or asks.
   Of thousands only those are drawn. It stands outside what is live, which is swapped while files are on their way. */
customElements.define("upload-list", class extends HTMLElement {
  connectedCallback() {
    const live = this.closest("[data-live]"), other = document.querySelector("upload-list.here")
    if (other && other !== this) return this.remove()
    this.classList.add("here")
    if (live) return live.after(this)
    if (this.queue) return
    this.its = name => this.querySelector(`[data-part=${name}]`)
    Object.assign(this, { words: this.dataset, rows: new Map(), past: [], refreshes: new Set(), queue: new UploadQueue(this.dataset, () => this.soon()) })
    this.addEventListener("click", event => this.press(event.target.closest("[data-do]")))
    addEventListener("beforeunload", event => { if (this.queue.isBusy) event.preventDefault() })
  }
  add(found, target, refresh) {
    const left = found.slice(+this.words.most)
    this.queue.add(found.slice(0, +this.words.most), target, refresh)
    this.say(left.length ? this.words.many.replace("{n}", left.length) : "", true)
  }
  press(button) {
    const { queue } = this, job = button && [...this.rows].find(([, row]) => row.contains(button))?.[0], what = button?.dataset.do
    const act = {
      pause: () => queue.pause(!queue.isPaused), stop: () => job ? queue.stop(job) : queue.stopAll(), retry: () => queue.retry(...(job ? [job] : queue.of("failed"))),
      keep: () => queue.decide("keep", ...(job ? [job] : queue.of("asks"))), skip: () => queue.decide("skip", ...(job ? [job] : queue.of("asks"))), version: () => queue.decide("version", job),
    }[what]
    if (act) act()
  }
  soon() { this.timer ||= setTimeout(() => { this.timer = 0; this.draw() }, this.queue.isBusy ? 200 : 0) }
  draw() {
    const { queue, rows, words } = this, open = queue.of("failed", "refused", "asks").slice(-60)
    const told = [...queue.of("done", "skipped", "stopped")].slice(-20), shown = new Set([...queue.active, ...open, ...told])
    for (const [job, row] of rows) if (!shown.has(job)) { row.remove(); rows.delete(job) }
    for (const job of shown) {
      if (!rows.has(job)) rows.set(job, this.its("rows").appendChild(uploadRow(job)))
      drawUpload(rows.get(job), job, words)
    }
    this.total()
    if (queue.isBusy) return queue.isPaused || this.soon()
    this.settle()
  }
  total() {
    const { queue, words } = this, counted = queue.present.filter(job => job.state !== "stopped"), sum = part => counted.reduce((all, job) => all + part(job), 0)
    const size = sum(job => job.file.size), sent = sum(job => job.sent), over = counted.filter(job => !["waiting", "active"].includes(job.state)).length, now = performance.now()
    this.past = [...this.past.filter(([at]) => at > now - 6000), [now, sent]]
    const [since, before] = this.past[0], rate = now > since ? Math.max(0, 1000 * (sent - before) / (now - since)) : 0
    const parts = [words.count.replace("{n}", over.toLocaleString(pageRoot.lang)).replace("{all}", counted.length.toLocaleString(pageRoot.lang)), words.bytes.replace("{n}", inBytes(sent)).replace("{all}", inBytes(size))]
    if (queue.isBusy && !queue.isPaused && rate) parts.push(`${inBytes(rate)}/s`, words.left.replace("{time}", inTime((size - sent) / rate)))
    if (queue.isPaused) parts.push(words.paused)
    this.its("figures").textContent = parts.join(" · ")
    this.its("bar").value = size ? sent / size : over / (counted.length || 1)
    this.its("all").hidden = !queue.jobs.length
    this.buttons()
  }
  buttons() {
    const { queue, words } = this, failed = queue.of("failed").length, asks = queue.of("asks").length
    const shows = { pause: queue.isBusy, stop: queue.isBusy, retry: failed > 0, keep: asks > 1, skip: asks > 1 }
    for (const [name, yes] of Object.entries(shows)) this.its("all").querySelector(`[data-do=${name}]`).hidden = !yes
    this.its("all").querySelector("[data-do=pause]").textContent = queue.isPaused ? words.goOn : words.pause
    const receipt = this.its("receipt"), at = queue.jobs.findLast(job => job.receipt)?.receipt
    receipt.hidden = !at || queue.isBusy
    if (at) receipt.firstElementChild.href = at
  }
  settle() {
    const { queue, words } = this, jobs = queue.present, count = (...states) => jobs.filter(job => states.includes(job.state)).length, said = words.outcome.replace("{n}", count("done")).replace("{m}", count("failed", "refused")).replace("{k}", count("asks"))
    if (!jobs.length || this.settled === (this.settled = `${queue.round} ${said}`)) return
    this.say(said)
    if (jobs.every(job => job.refresh === "page" && job.state === "done")) return location.reload()
    for (const where of new Set(jobs.map(job => job.refresh))) if (where && where !== "page") document.querySelectorAll(where).forEach(element => element.dispatchEvent(new CustomEvent("live-soon", { bubbles: true })))
  }
  say(text, seen) { const status = this.its("status"); status.textContent = text; status.classList.toggle("visually-hidden", !seen || !text) }
})
