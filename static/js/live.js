/* One event stream per browser: the tab that holds the lock listens and tells the others which topics changed.
   Each element with data-live="topic topic" then gets a `live` event (hx-trigger="live"): after a pause, while the tab is seen, and never under somebody's hands. */
document.addEventListener("DOMContentLoaded", () => {
  const address = document.body.dataset.liveUrl
  if (!address) return
  const QUIET = 10000, waiting = new Set(), channel = new BroadcastChannel("poort-live"), me = Math.random()
  let at = Number(document.body.dataset.liveAt), covers = 0, heard = Date.now(), started = false, flushing = 0
  const recent = []  // what the listening tab heard of late: a page is drawn first and listens a moment later

  const lives = () => document.querySelectorAll("[data-live]")
  const isEdited = element => { const at = document.activeElement; return element.contains(at) && at !== element && at.matches("input:not([type=checkbox], [type=radio], [type=file]), textarea, select") || element.querySelector("details[open] > form") !== null || !("keeps" in element.dataset) && element.querySelector("input[name=ids]:checked") !== null }
  const flush = () => {
    flushing = 0
    if (document.hidden) return
    for (const element of [...waiting]) {
      if (isEdited(element) || element.matches(".htmx-request")) continue
      waiting.delete(element)
      if (element.isConnected) element.dispatchEvent(new CustomEvent("live"))
    }
  }
  const renew = () => {  // what changed while an answer was under way is asked of whatever took its place
    for (const element of [...waiting]) if (!element.isConnected) {
      waiting.delete(element)
      for (const other of element.id ? document.querySelectorAll("#" + CSS.escape(element.id)) : lives()) if (other.dataset.live === element.dataset.live) waiting.add(other)
    }
    if (waiting.size) soon()
  }
  const soon = () => { flushing ||= setTimeout(flush, 250) }
  const changed = topics => {
    for (const element of lives()) if (topics === null || element.dataset.live.split(/\s+/).some(topic => topics.includes(topic))) waiting.add(element)
    if (waiting.size) soon()
  }
  const tell = message => {
    if (message.at && recent.push(message) > 300) covers = recent.shift().at
    channel.postMessage(message)
    receive(message)
  }
  const answer = ({ ask, from }) => {
    const later = recent.filter(message => message.at > ask - 1)
    const missed = ask < covers || later.some(message => message.topics === null)
    channel.postMessage({ to: from, topics: missed ? null : later.flatMap(message => message.topics) })
  }
  const receive = message => {
    if (message.ask) return covers && answer(message)
    if (message.to && message.to !== me) return
    heard = Date.now()
    if (message.at) at = Math.max(at, message.at)
    if (message.topics !== undefined) changed(message.topics)
  }
  channel.onmessage = event => receive(event.data)
  document.addEventListener("visibilitychange", soon)
  document.addEventListener("focusout", soon)
  document.addEventListener("htmx:finally:request", renew)
  document.addEventListener("change", soon)  // the last ticked row was let go
  document.addEventListener("toggle", soon, true)  // a form was folded away
  document.addEventListener("live-soon", event => { waiting.add(event.target); soon() })  // something else knows that it changed

  const listen = () => new Promise(() => {  // for as long as this tab lives: then the lock falls to the next
    let pause = 5000
    covers = at
    const connect = () => {
      const stream = new EventSource(`${address}?since=${at}`)  // on a short break the browser names the last one itself
      const beat = setInterval(() => { if (stream.readyState === 1) tell({}) }, 4000)
      stream.onopen = () => { pause = 5000; tell({}) }
      stream.onmessage = event => tell(JSON.parse(event.data))
      stream.onerror = () => {
        if (stream.readyState !== 2) return       // the browser itself tries again
        clearInterval(beat)                       // refused (signed out, or the server is down): with patience
        setTimeout(connect, pause)
        pause = Math.min(2 * pause, 60000)
      }
    }
    connect()
  })
  const start = () => {
    if (started || !lives().length) return
    started = true
    heard = Date.now()
    channel.postMessage({ ask: at, from: me })
    if (window.EventSource && navigator.locks) navigator.locks.request("poort-live", listen)
    setInterval(() => { if (Date.now() - heard > QUIET && !document.hidden && navigator.onLine) { heard = Date.now(); changed(null) } }, 1000)
  }
  start()
  document.addEventListener("htmx:after:swap", start)
})
