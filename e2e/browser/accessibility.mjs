// What axe finds in a page.

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

export const accessibility = {
  async axe(browser, { page: name }) {
    const { page } = browser.page(name);
    // By the debugger: the page's content security policy admits no script of others.
    if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(AXE);
    const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
    const violations = found.violations.map(({ id, impact, help, nodes }) => ({
      id,
      impact,
      help,
      nodes: nodes.slice(0, 5).map(({ target, html, failureSummary }) => ({
        target: target.join(' '),
        html: html.slice(0, 200),
        why: failureSummary,
      })),
    }));
    return { violations, rules: found.passes.length };
  },
};
