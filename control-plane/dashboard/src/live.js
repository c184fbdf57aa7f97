"use strict";
/* Keeps a page up to date: applies the parts that the server sends, and says when it stops hearing from it. */
(() => {
  const { body } = document;
  const state = document.getElementById("live-state");
  const path = body.dataset.live;
  if (!path || !state || !window.EventSource) return;
  const STALE_AFTER_MS = 5000;
  let heardAt = Date.now();
  let serverTime = Number(body.dataset.now);
  let source;

  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

  function tell(text, isStale) {
    if (state.textContent !== text) state.textContent = text;
    state.classList.toggle("stale", isStale);
    body.classList.toggle("is-stale", isStale);
  }

  function attributes(now, next) {
    for (const { name } of [...now.attributes]) {
      const isKept = name === "open" && now.nodeName === "DETAILS";
      if (!isKept && !next.hasAttribute(name)) now.removeAttribute(name);
    }
    for (const { name, value } of [...next.attributes]) {
      if (now.getAttribute(name) !== value) now.setAttribute(name, value);
    }
  }

  const isLike = (one, other) =>
    one && one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id || "") === (other.id || "");

  /* Makes the children of `now` those of `next`, and keeps every element that can stay: with its focus, its selection and open details. */
  function morph(now, next) {
    const byId = new Map([...now.children].filter((child) => child.id).map((child) => [child.id, child]));
    let at = now.firstChild;
    for (const want of [...next.childNodes]) {
      const known = want.id ? byId.get(want.id) : undefined;
      const have = known && known.nodeName === want.nodeName ? known : isLike(at, want) ? at : undefined;
      if (!have) {
        now.insertBefore(want, at);
        continue;
      }
      if (have === at) at = at.nextSibling;
      else now.insertBefore(have, at);
      if (have.nodeType === Node.ELEMENT_NODE) {
        attributes(have, want);
        morph(have, want);
      } else if (have.nodeValue !== want.nodeValue) {
        have.nodeValue = want.nodeValue;
      }
    }
    while (at) {
      const gone = at;
      at = at.nextSibling;
      gone.remove();
    }
  }

  function put(element, html) {
    if (!element) return;
    const next = element.cloneNode(false);
    next.innerHTML = html;
    morph(element, next);
  }

  function apply(change) {
    const focused = document.activeElement;
    const id = focused && focused.id;
    if (change.title) document.title = change.title === "Serin" ? "Serin" : `${change.title} · Serin`;
    if (typeof change.main === "string") put(document.getElementById("main"), change.main);
    for (const [part, html] of change.parts || []) put(document.getElementById(part), html);
    if (id && document.activeElement !== focused) document.getElementById(id)?.focus({ preventScroll: true });
  }

  function heard(time) {
    heardAt = Date.now();
    if (time > 0) serverTime = time;
    tell("Live", false);
  }

  function connect() {
    source = new EventSource(path);
    source.addEventListener("message", (event) => {
      apply(JSON.parse(event.data));
      heard(0);
    });
    source.addEventListener("tick", (event) => heard(Number(event.data)));
  }

  setInterval(() => {
    if (Date.now() - heardAt < STALE_AFTER_MS) return;
    tell(`Stale since ${clock(serverTime)}: no connection to Serin. Trying again.`, true);
    if (source.readyState === EventSource.CLOSED) connect();
  }, 1000);
  connect();
})();
