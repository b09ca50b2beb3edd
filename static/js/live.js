/* One event stream per browser: the tab that holds the lock listens and tells the others which topics changed.
   Each element with data-live="topic topic" then gets a `live` event (hx-trigger="live"): after a pause, while the tab is seen, and never under somebody's hands. */
document.addEventListener("DOMContentLoaded", () => {
  const address = document.body.dataset.liveUrl
  if (!address) return
  const QUIET = 10000, waiting = new Set(), channel = new BroadcastChannel("poort-live")
  let heard = Date.now(), started = false, flushing = 0

  const lives = () => document.querySelectorAll("[data-live]")
  const isEdited = element => { const at = document.activeElement; return element.contains(at) && at !== element && at.matches("input:not([type=checkbox], [type=radio]), textarea, select") || element.querySelector("input[name=ids]:checked") !== null }
  const flush = () => {
    flushing = 0
    if (document.hidden) return
    for (const element of [...waiting]) {
      if (isEdited(element)) continue
      waiting.delete(element)
      if (element.isConnected) element.dispatchEvent(new CustomEvent("live"))
    }
  }
  const soon = () => { flushing ||= setTimeout(flush, 250) }
  const changed = topics => {
    for (const element of lives()) if (!topics || element.dataset.live.split(/\s+/).some(topic => topics.includes(topic))) waiting.add(element)
    if (waiting.size) soon()
  }
  const tell = message => { channel.postMessage(message); receive(message) }
  const receive = ({ topics, missed }) => {
    heard = Date.now()
    if (missed) changed(null)
    else if (topics) changed(topics)
  }
  channel.onmessage = event => receive(event.data)
  document.addEventListener("visibilitychange", soon)
  document.addEventListener("focusout", soon)
  document.addEventListener("change", soon)  // the last ticked row was let go

  const listen = () => new Promise(() => {  // for as long as this tab lives: then the lock falls to the next
    let pause = 5000, wasDown = false
    const connect = () => {
      const stream = new EventSource(address)
      const beat = setInterval(() => { if (stream.readyState === 1) tell({}) }, 4000)
      stream.onopen = () => { pause = 5000; tell({ missed: wasDown }); wasDown = false }
      stream.onmessage = event => tell({ topics: JSON.parse(event.data) })
      stream.onerror = () => {
        wasDown = true
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
    if (window.EventSource && navigator.locks) navigator.locks.request("poort-live", listen)
    setInterval(() => { if (Date.now() - heard > QUIET && !document.hidden && navigator.onLine) { heard = Date.now(); changed(null) } }, 1000)
  }
  start()
  document.addEventListener("htmx:after:swap", start)
})
