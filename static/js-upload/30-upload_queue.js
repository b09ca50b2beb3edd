/* The files of this page on their way: three at a time, and what failed kept for another try.
   A job is waiting, active, done, asks, refused, failed, stopped or skipped. */
class UploadQueue {
  constructor(words, changed) { Object.assign(this, { words, changed, jobs: [], waiting: [], active: new Set(), isPaused: false, round: 0, batch: anyKey() }) }
  get isBusy() { return this.active.size + this.waiting.length > 0 }
  of(...states) { return this.jobs.filter(job => states.includes(job.state)) }
  get present() { return this.jobs.filter(job => job.round === this.round || job.state === "failed" || job.state === "asks") }
  add(found, target, refresh) {
    if (!this.isBusy) this.round++
    for (const { file, path } of found) {
      const job = { file, path, target, refresh, batch: this.batch, round: this.round, sent: 0 }
      this.jobs.push(job)
      this.enqueue(job)
    }
    this.next()
  }
  enqueue(job) { Object.assign(job, { state: "waiting", why: "" }); this.waiting.push(job) }
  next() {
    while (!this.isPaused && this.active.size < 3 && this.waiting.length) this.send(this.waiting.shift())
    this.changed()
  }
  async send(job) {
    this.active.add(job)
    job.state = "active"
    job.sending ||= new Sending(job, this.words)
    job.sending.over = false
    try { this.ended(job, await job.sending.run()) }
    catch (problem) {
      if (!problem.stopped) Object.assign(job, { state: problem.retry ? "failed" : "refused", why: problem.why || String(problem) })
    }
    this.active.delete(job)
    this.next()
  }
  ended(job, result) {
    const { state, why } = result
    Object.assign(job, { result, why, state: ["done", "asks", "refused", "skipped"].includes(state) ? state : "stopped", sent: job.file.size })
    if (state === "done") job.sending = null
  }
  pause(yes) {
    this.isPaused = yes
    if (yes) for (const job of [...this.active].reverse()) { job.sending.halt(); job.state = "waiting"; this.waiting.unshift(job) }
    this.next()
  }
  stop(job) {
    this.waiting = this.waiting.filter(other => other !== job)
    job.sending?.stop()
    job.state = "stopped"
    this.next()
  }
  stopAll() { this.isPaused = false; for (const job of this.of("waiting", "active")) { job.sending?.stop(); job.state = "stopped" } this.waiting = []; this.next() }
  retry(...jobs) { jobs.forEach(job => { if (job.state === "failed") this.enqueue(job) }); this.next() }
  async decide(what, ...jobs) {
    for (const job of jobs) {
      const answer = await fetch(`/uploads/${job.result.id}/decision`, { method: "POST", headers: { "X-Requested-With": "drop-zone" }, body: new URLSearchParams({ do: what }) }).catch(() => null)
      const result = answer?.headers.get("Upload-Result")
      if (result) this.ended(job, JSON.parse(decodeURIComponent(result)))
      else job.why = this.words.undecided
      this.changed()
    }
  }
}
