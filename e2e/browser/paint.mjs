// How soon a page can be read.

export const paint = {
  // Opens `url` so many times, each with an empty cache, and tells when content was first painted and what was loaded.
  async paint(browser, { url, loads, width = 1600, height = 1000, deadline_ms: timeout }) {
    const runs = [];
    for (let run = 0; run < loads; run += 1) {
      const { page, notes } = await browser.open('paint', { width, height });
      notes.origin = new URL(url).origin;
      const answer = await page.goto(url, { waitUntil: 'load', timeout });
      const measured = await page.evaluate(
        () =>
          new Promise((resolve) => {
            const told = () => {
              const first = performance.getEntriesByName('first-contentful-paint')[0];
              if (first === undefined) return void requestAnimationFrame(told);
              const [document_] = performance.getEntriesByType('navigation');
              const resources = performance.getEntriesByType('resource');
              resolve({
                first_paint_ms: first.startTime,
                answered_ms: document_.responseEnd,
                loaded_ms: document_.loadEventEnd,
                document_bytes: document_.decodedBodySize,
                sent_bytes: [document_, ...resources].reduce((sum, entry) => sum + entry.transferSize, 0),
              });
            };
            told();
          }),
      );
      runs.push({ status: answer.status(), ...measured, foreign: notes.foreign.length });
    }
    await browser.close('paint');
    return { runs };
  },
};
