/* One event stream per browser: the tab that holds the lock listens and tells the others which topics changed; what is live of them then fetches itself again (live_regions.js). */
document.addEventListener("DOMContentLoaded", () => {
  const address = document.body.dataset.liveUrl
  if (!address) return
  const QUIET = 10000, channel = new BroadcastChannel("poort-live"), me = Math.random()
  let at = Number(document.body.dataset.liveAt), covers = 0, heard = Date.now(), started = false
  const recent = []  // what the listening tab heard of late: a page is drawn first and listens a moment later

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
    if (message.topics !== undefined) regions.changed(message.topics)
  }
  channel.onmessage = event => receive(event.data)

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
    if (started || !regions.all().length) return
    started = true
    heard = Date.now()
    channel.postMessage({ ask: at, from: me })
    if (window.EventSource && navigator.locks) navigator.locks.request("poort-live", listen)
    setInterval(() => { if (Date.now() - heard > QUIET && !document.hidden && navigator.onLine) { heard = Date.now(); regions.changed(null) } }, 1000)
  }
  start()
  document.addEventListener("htmx:after:swap", start)
})
