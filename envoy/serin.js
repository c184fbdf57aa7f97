// Serin: tells once what a page view came to. No cookies, no storage, no identity. See docs/behaviour.md.
((w, d, n) => {
  "use strict";
  const count = { c: 0, r: 0, e: 0, f: 0, k: 0 };
  let sent = false, touched = false, paint = 0, shift = 0, inp = 0, clicks = [];
  let run = { first: -9e9, last: -9e9, sum: 0 };
  w.serin = { convert: () => { count.k++; } };
  if (n.doNotTrack === "1" || w.doNotTrack === "1" || n.globalPrivacyControl || n.webdriver || !n.sendBeacon) return;

  const on = w.addEventListener.bind(w);
  const watch = (type, each) => {
    try {
      new PerformanceObserver((list) => list.getEntries().forEach(each))
        .observe({ type, buffered: true, durationThreshold: 40 });
    } catch {}
  };
  const shifted = (e) => {
    if (e.hadRecentInput) return;
    if (e.startTime - run.last > 1000 || e.startTime - run.first > 5000) run = { first: e.startTime, sum: 0 };
    run.last = e.startTime;
    run.sum += e.value;
    shift = Math.max(shift, run.sum);
  };
  const clicked = (e) => {
    const at = e.target && e.target.closest ? e.target : d.documentElement;
    const near = (c) => Math.abs(e.clientX - c.clientX) + Math.abs(e.clientY - c.clientY) < 30;
    touched = true;
    count.c++;
    clicks = clicks.filter((c) => e.timeStamp - c.timeStamp < 1000 && near(c));
    if (clicks.push(e) === 3) count.r++;
    if (at.closest("[data-serin-feature]")) count.f++;
    if (at.closest("[data-serin-convert]:not(form)")) count.k++;
  };
  const send = () => {
    if (sent) return;
    sent = true;
    const nav = performance.getEntriesByType("navigation")[0] || {}, from = nav.activationStart || 0;
    const lines = ["v=1", "p=" + location.pathname];
    const say = (key, value) => lines.push(key + "=" + Math.min(Math.max(Math.round(value), 0), 9999999));
    say("t", performance.now() - from);
    if (nav.loadEventEnd) say("l", nav.loadEventEnd - from);
    if (paint) say("lcp", paint - from);
    say("cls", shift * 1000);
    say("inp", inp);
    for (const key in count) say(key, count[key]);
    say("a", !count.k && !(nav.loadEventEnd && touched));
    n.sendBeacon("/.well-known/serin/beacon", lines.join("\n"));
  };
  const begin = () => {
    watch("largest-contentful-paint", (e) => { paint = e.startTime; });
    watch("layout-shift", shifted);
    watch("event", (e) => { if (e.interactionId) inp = Math.max(inp, e.duration); });
    on("click", clicked, true);
    on("submit", (e) => { if (e.target.matches("[data-serin-convert]")) count.k++; }, true);
    for (const type of ["keydown", "scroll"]) on(type, () => { touched = true; }, { capture: true, passive: true });
    for (const type of ["error", "unhandledrejection"]) on(type, () => { count.e++; });
    d.addEventListener("visibilitychange", () => { if (d.visibilityState === "hidden") send(); });
    on("pagehide", send);
  };
  if (d.prerendering) d.addEventListener("prerenderingchange", begin, { once: true });
  else begin();
})(window, document, navigator);
