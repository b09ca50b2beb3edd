/* Registers the service worker, and tells it which version of the page is in use, so that what it kept for offline is never older. */
if ("serviceWorker" in navigator && (location.protocol === "https:" || ["localhost", "127.0.0.1"].includes(location.hostname))) {
  addEventListener("load", async () => {
    const registration = await navigator.serviceWorker.register("/sw.js").catch(() => null)
    if (!registration) return
    const parts = document.querySelectorAll('script[src*="/app.js"], link[href^="/brand.css"], .wordmark img')
    const version = [...parts].map(part => part.getAttribute("src") || part.getAttribute("href")).join(" ")
    const ready = await navigator.serviceWorker.ready
    ready.active.postMessage({ version })
  })
}
