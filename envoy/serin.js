// Serin: what page views came to. No cookies, no storage, no identity. See docs/behaviour.md.
((w, d, n) => {
	let count = {}, path, start, sent = 1, touched, paint, shift, inp, clicks, run;
	w.serin = { convert: () => { count.k++; } };
	if (n.doNotTrack == 1 || w.doNotTrack == 1 || n.globalPrivacyControl || n.webdriver || !n.sendBeacon) return;

	const on = addEventListener;
	const watch = (type, each) => {
		try {
			new PerformanceObserver((list) => list.getEntries().forEach((e) => e.startTime < start || each(e)))
				.observe({ type, buffered: true });
		} catch {}
	};
	const begin = (now) => {
		send();
		count = { c: 0, r: 0, e: 0, f: 0, k: 0 };
		path = location.pathname;
		start = now;
		sent = now && d.hidden;
		touched = paint = shift = inp = 0;
		clicks = [];
		run = {};
	};
	const shifted = (e) => {
		const at = e.startTime;
		if (e.hadRecentInput) return;
		if (!(at - run.last <= 1000 && at - run.first <= 5000)) run = { first: at, sum: 0 };
		run.last = at;
		shift = Math.max(shift, run.sum += e.value);
	};
	const clicked = (e) => {
		touched = ++count.c;
		clicks = clicks.filter((c) => e.timeStamp - c.timeStamp < 1000 && Math.hypot(e.x - c.x, e.y - c.y) < 30);
		if (clicks.push(e) == 3) count.r++;
		if (e.target.closest?.("[data-serin-feature]")) count.f++;
		if (e.target.closest?.("[data-serin-convert]:not(form)")) count.k++;
	};
	const send = () => {
		if (sent) return;
		sent = 1;
		const { activationStart: from = 0, loadEventEnd } = performance.getEntriesByType("navigation")[0] || {};
		let body = "v=1\np=" + path;
		const say = (key, value) => body += `\n${key}=${Math.min(Math.max(value, 0), 9999999).toFixed()}`;
		say("t", performance.now() - from);
		if (!start && loadEventEnd) say("l", loadEventEnd - from);
		if (paint) say("lcp", paint - from);
		say("cls", shift * 1000);
		say("inp", inp);
		for (const key in count) say(key, count[key]);
		say("a", !count.k && !(touched && (start || loadEventEnd)));
		n.sendBeacon("/.well-known/serin/beacon", body);
	};
	const moved = () => location.pathname == path || begin(performance.now());
	const open = () => {
		begin(0);
		watch("largest-contentful-paint", (e) => start || (paint = e.startTime));
		watch("layout-shift", shifted);
		watch("event", (e) => e.interactionId && (inp = Math.max(inp, e.duration)));
		on("click", clicked, true);
		on("submit", (e) => e.target.matches("[data-serin-convert]") && count.k++, true);
		for (const type of ["keydown", "scroll"]) on(type, () => touched = 1, true);
		for (const type of ["error", "unhandledrejection"]) on(type, () => count.e++);
		for (const name of ["pushState", "replaceState"]) {
			const act = history[name];
			history[name] = (...how) => { act.apply(history, how); moved(); };
		}
		on("popstate", moved);
		on("visibilitychange", () => d.hidden && send());
		on("pagehide", send);
	};
	d.prerendering ? d.addEventListener("prerenderingchange", open) : open();
})(window, document, navigator);
