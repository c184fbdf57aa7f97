// serin.js in a page that is made up: what it sends, when, and when nothing. Run by `node --test`.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const SCRIPT = readFileSync(new URL("../../envoy/serin.js", import.meta.url), "utf8");
/// What the filter's own test reads.
const GOLDEN = readFileSync(new URL("beacon.txt", import.meta.url), "utf8");

/// A page with the script in it. `navigator`, `document` and `navigation` are laid over what a plain browser says.
function open({ navigator = {}, document = {}, navigation = {}, path = "/orders/7" } = {}) {
  const listeners = {};
  const observed = {};
  const sent = [];
  const listen = (type, each, options) => (listeners[type] ??= []).push({ each, options });
  const location = { pathname: path };
  const move = (_state, _title, to) => {
    if (to !== undefined) location.pathname = new URL(to, "https://shop.example" + location.pathname).pathname;
  };
  const clock = { now: 61000 };
  const page = {
    location,
    history: { pushState: move, replaceState: move },
    navigator: { sendBeacon: (url, body) => sent.push({ url, body }), ...navigator },
    document: {
      hidden: false,
      addEventListener: listen,
      ...document,
    },
    performance: {
      now: () => clock.now,
      getEntriesByType: () => [{ loadEventEnd: 1234.4, activationStart: 0, ...navigation }],
    },
    PerformanceObserver: class {
      constructor(each) {
        this.each = each;
      }
      observe({ type, buffered }) {
        if (type === "event" && page.old) throw new TypeError("not known");
        assert.equal(buffered, true);
        observed[type] = (...entries) => this.each({ getEntries: () => entries });
      }
    },
    addEventListener: listen,
  };
  page.window = page;
  page.old = navigator.old;
  const fire = (type, event = {}) => (listeners[type] ?? []).forEach(({ each }) => each(event));
  runInNewContext(SCRIPT, page);
  return { page, clock, sent, observed, listeners, fire, leave: () => leave(page, fire) };
}

function leave(page, fire) {
  page.document.hidden = true;
  fire("visibilitychange");
  fire("pagehide");
}

/// An element that some selectors find from inside it.
function element(...selectors) {
  return { closest: (selector) => (selectors.includes(selector) ? {} : null), matches: (selector) => selectors.includes(selector) };
}

const click = (target, timeStamp = 0, x = 0, y = 0) => ({ target, timeStamp, x, y });

/// The fields of the only beacon.
function told({ sent }) {
  assert.equal(sent.length, 1);
  return fields(sent[0]);
}

/// The fields of a beacon.
function fields({ url, body }) {
  assert.equal(url, "/.well-known/serin/beacon");
  assert.ok(new TextEncoder().encode(body).length <= 2048);
  const [version, ...lines] = body.split("\n");
  assert.equal(version, "v=1");
  return Object.fromEntries(lines.map((line) => line.split("=")));
}

test("the script is smaller than three kilobytes and touches no storage", () => {
  assert.ok(Buffer.byteLength(SCRIPT) < 3000, `${Buffer.byteLength(SCRIPT)} bytes`);
  for (const word of ["cookie", "localStorage", "sessionStorage", "indexedDB", "fetch(", "XMLHttpRequest"]) {
    assert.ok(!SCRIPT.replace(/^\/\/.*$/m, "").includes(word), word);
  }
});

test("a busy page view is told as the filter reads it", () => {
  const view = open({ navigation: { activationStart: 200 } });
  view.observed["largest-contentful-paint"]({ startTime: 700 }, { startTime: 1100.4 });
  view.observed["layout-shift"]({ startTime: 100, value: 0.1 }, { startTime: 200, value: 0.05 });
  view.observed["layout-shift"]({ startTime: 300, value: 9, hadRecentInput: true }, { startTime: 4000, value: 0.02 });
  view.observed.event({ duration: 640, interactionId: 1 }, { duration: 900 }, { duration: 80, interactionId: 2 });
  view.fire("click", click(element("[data-serin-feature]")));
  view.fire("click", click(element("[data-serin-convert]:not(form)"), 5000));
  view.fire("submit", { target: element("[data-serin-convert]") });
  view.fire("error", {});
  view.fire("unhandledrejection", {});
  view.page.serin.convert();
  view.leave();
  assert.equal(view.sent[0].body, GOLDEN.trimEnd());
});

test("a page view is told once, whatever happens afterwards", () => {
  const view = open();
  view.leave();
  view.fire("click", click(element()));
  view.leave();
  view.fire("pagehide");
  assert.equal(view.sent.length, 1);
  const shown = open();
  shown.fire("visibilitychange");
  assert.equal(shown.sent.length, 0);
});

test("three clicks in a second at one place are one rage click", () => {
  const places = (...clicks) => {
    const view = open();
    clicks.forEach(([at, x]) => view.fire("click", click(element(), at, x)));
    view.leave();
    return told(view).r;
  };
  assert.equal(places([0, 0], [300, 0], [600, 10]), "1");
  assert.equal(places([0, 0], [200, 0], [400, 0], [600, 0], [800, 0]), "1");
  assert.equal(places([0, 0], [600, 0], [1200, 0]), "0");
  assert.equal(places([0, 0], [300, 100], [600, 200]), "0");
  assert.equal(places([0, 0], [1, 0], [2, 0], [9000, 0], [9001, 0], [9002, 0]), "2");
});

test("a page that did not load or was not touched was abandoned, unless it converted", () => {
  const abandoned = (view, act = () => {}) => {
    act(view);
    view.leave();
    return told(view).a;
  };
  assert.equal(abandoned(open()), "1");
  for (const type of ["click", "keydown", "scroll"]) {
    assert.equal(abandoned(open(), (view) => view.fire(type, click(element()))), "0", type);
  }
  const unloaded = open({ navigation: { loadEventEnd: 0 } });
  assert.equal(abandoned(unloaded, (view) => view.fire("keydown")), "1");
  assert.equal(told(unloaded).l, undefined);
  assert.equal(abandoned(open(), (view) => view.page.serin.convert()), "0");
});

test("who does not want to be counted, and what is no person, sends nothing", () => {
  for (const navigator of [{ doNotTrack: "1" }, { globalPrivacyControl: true }, { webdriver: true }, { sendBeacon: undefined }]) {
    const view = open({ navigator });
    view.page.serin.convert();
    view.leave();
    assert.equal(view.sent.length, 0, JSON.stringify(navigator));
    view.page.history.pushState({}, "", "/next");
    assert.equal(view.sent.length, 0);
    assert.deepEqual(view.listeners, {});
  }
});

test("a page that is rendered ahead is told only once it is shown", () => {
  const view = open({ document: { prerendering: true } });
  view.leave();
  assert.equal(view.sent.length, 0);
  view.page.document.hidden = false;
  view.fire("prerenderingchange");
  view.leave();
  assert.equal(view.sent.length, 1);
});

test("a browser that cannot measure all tells the rest", () => {
  const view = open({ navigator: { old: true } });
  view.fire("keydown");
  view.leave();
  assert.deepEqual(told(view), { p: "/orders/7", t: "61000", l: "1234", cls: "0", inp: "0", c: "0", r: "0", e: "0", f: "0", k: "0", a: "0" });
});

test("another path inside a page ends one view at once and begins the next", () => {
  const view = open();
  view.observed["largest-contentful-paint"]({ startTime: 900 });
  view.observed["layout-shift"]({ startTime: 500, value: 0.3 });
  view.observed.event({ duration: 600, interactionId: 1, startTime: 60900 });
  view.fire("click", click(element("[data-serin-convert]:not(form)"), 60900));
  view.page.history.pushState({ step: 2 }, "", "/orders/8?from=7");
  const first = { p: "/orders/7", t: "61000", l: "1234", lcp: "900", cls: "300", inp: "600", c: "1", r: "0", e: "0", f: "0", k: "1", a: "0" };
  assert.deepEqual(told(view), first);
  view.clock.now = 64000.4;
  view.observed["layout-shift"]({ startTime: 63000, value: 0.1 });
  view.fire("error", {});
  view.page.history.replaceState(null, "", "/orders/9");
  const next = { t: "64000", cls: "100", inp: "0", c: "0", r: "0", e: "1", f: "0", k: "0", a: "1" };
  assert.deepEqual(fields(view.sent[1]), { p: "/orders/8", ...next });
  view.clock.now = 65000.4;
  view.page.location.pathname = "/orders/8";
  view.fire("popstate");
  view.fire("keydown");
  view.leave();
  view.leave();
  const back = { p: "/orders/8", t: "65000", cls: "0", inp: "0", c: "0", r: "0", e: "0", f: "0", k: "0", a: "0" };
  assert.deepEqual(view.sent.slice(2).map(fields), [{ ...back, p: "/orders/9", a: "1" }, back]);
});

test("the age of a view inside a page is that of its document, whose version it shows", () => {
  const view = open({ navigation: { activationStart: 1000 } });
  view.page.history.pushState({}, "", "/next");
  view.clock.now = 62000;
  view.leave();
  assert.deepEqual(view.sent.map((one) => fields(one).t), ["60000", "61000"]);
});

test("a change of the query, the hash or the state alone is no new view", () => {
  const view = open();
  view.page.history.pushState({}, "", "?page=2");
  view.page.history.replaceState({ scroll: 100 }, "");
  view.page.history.pushState({}, "", "#part");
  view.fire("popstate");
  view.page.history.pushState({}, "", "/orders/7");
  assert.equal(view.sent.length, 0);
  view.leave();
  assert.equal(told(view).p, "/orders/7");
});

test("what began in the view before does not count in the next one", () => {
  const view = open();
  view.page.history.pushState({}, "", "/next");
  view.observed["largest-contentful-paint"]({ startTime: 61900 });
  view.observed["layout-shift"]({ startTime: 60999, value: 0.5 }, { startTime: 61001, value: 0.02 });
  view.observed.event({ duration: 900, interactionId: 1, startTime: 60990 }, { duration: 200, interactionId: 2, startTime: 61500 });
  [61100, 61200].forEach((at) => view.fire("click", click(element(), at)));
  view.leave();
  const { lcp, cls, inp, c, r } = fields(view.sent[1]);
  assert.deepEqual({ lcp, cls, inp, c, r }, { lcp: undefined, cls: "20", inp: "200", c: "2", r: "0" });
});

test("clicks of two views are no rage", () => {
  const view = open();
  [60800, 60900].forEach((at) => view.fire("click", click(element(), at)));
  view.page.history.pushState({}, "", "/next");
  view.fire("click", click(element(), 61100));
  view.leave();
  assert.deepEqual(view.sent.map((one) => fields(one).r), ["0", "0"]);
});

test("a view that begins while nobody looks is not told, and one after coming back is", () => {
  const view = open();
  view.leave();
  view.page.history.replaceState(null, "", "/signed-out");
  view.fire("pagehide");
  view.page.document.hidden = false;
  view.page.history.pushState(null, "", "/sign-in");
  view.leave();
  assert.deepEqual(view.sent.map((one) => fields(one).p), ["/orders/7", "/sign-in"]);
});

test("the page's own history does what it did", () => {
  const view = open();
  const { history } = view.page;
  history.pushState({}, "", "/a");
  assert.equal(view.page.location.pathname, "/a");
  assert.throws(() => history.pushState({}, "", "https://["), { name: "TypeError" });
  assert.equal(view.sent.length, 1);
});

test("a page that is rendered ahead has the path that it is shown with", () => {
  const view = open({ document: { prerendering: true } });
  view.page.location.pathname = "/orders/8";
  view.fire("prerenderingchange");
  view.leave();
  assert.equal(told(view).p, "/orders/8");
});
