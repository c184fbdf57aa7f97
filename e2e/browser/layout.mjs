// How a page fits its window.

export const layout = {
  // Whether the page scrolls sideways, and which elements stick out. What scrolls within a box of its own does not.
  async fit(browser, { page: name }) {
    return browser.page(name).page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const scrolls = (element) =>
        element !== null &&
        element !== document.body &&
        element !== document.documentElement &&
        (['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(element).overflowX) ||
          element instanceof SVGSVGElement ||
          scrolls(element.parentElement));
      const sticks = (element) => {
        const box = element.getBoundingClientRect();
        return box.width > 1 && box.height > 1 && box.right + scrollX > width + 1 && !scrolls(element.parentElement);
      };
      const names = [...document.body.querySelectorAll('*')]
        .filter((element) => !(element instanceof SVGElement && element.ownerSVGElement) && sticks(element))
        .slice(0, 20)
        .map((element) => `${element.tagName.toLowerCase()}.${element.getAttribute('class') ?? ''}`);
      return { width, scroll_width: document.documentElement.scrollWidth, sticking_out: names };
    });
  },

  // What can be clicked and is smaller than WCAG 2.2 asks of it (24 × 24), links within a sentence left out.
  async targets(browser, { page: name }) {
    return browser.page(name).page.evaluate(() => {
      const small = [...document.querySelectorAll('a[href], button, input, select, summary')]
        .filter((element) => element.checkVisibility() && getComputedStyle(element).display !== 'inline')
        .filter((element) => !element.closest('svg') && element.getAttribute('type') !== 'hidden')
        .map((element) => ({ name: element.innerText || element.name || element.tagName, box: element.getBoundingClientRect() }))
        .filter(({ box }) => box.width > 0 && (box.width < 24 || box.height < 24))
        .slice(0, 20)
        .map(({ name, box }) => `${name.slice(0, 40)}: ${Math.round(box.width)} × ${Math.round(box.height)}`);
      return { small };
    });
  },
};
