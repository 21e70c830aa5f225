// Where scenarios are played: a target, and a browser that trusts it. Each gets a window of its own and leaves a picture.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BrowserContext, Page } from 'playwright-core';
import { startChromium, type TrustingBrowser } from './chromium.ts';
import type { Target } from './target.ts';

const RESULTS = join(import.meta.dirname, '../../test-results/browser');
/** What takes longer on a busy machine than anything here should. */
const STEP_TIMEOUT_MS = 30_000;

export class Stage {
  readonly target: Target;
  readonly #name: string;
  readonly #chromium: TrustingBrowser;

  private constructor(name: string, target: Target, chromium: TrustingBrowser) {
    this.#name = name;
    this.target = target;
    this.#chromium = chromium;
  }

  /** @param name of the folder for its pictures */
  static async open(name: string, target: Target): Promise<Stage> {
    return new Stage(name, target, await startChromium(target.ca));
  }

  /**
   * Opens a page in a window that knows nothing of earlier ones, and hands it over.
   * Its picture at the end is test-results/browser/<name>/<scenario>.png; after a failure a text says what was on it.
   */
  async play(scenario: string, url: string, act: (page: Page) => Promise<void>): Promise<void> {
    const file = join(RESULTS, this.#name, scenario);
    await rm(`${file}.txt`, { force: true });
    const window = await this.#chromium.browser.newContext({ viewport: { width: 1280, height: 900 } });
    window.setDefaultTimeout(STEP_TIMEOUT_MS);
    const traffic = trafficOf(window);
    try {
      const page = await window.newPage();
      await page.goto(url);
      await act(page);
      await picture(page, `${file}.png`);
    } catch (error) {
      await describeWindow(window, traffic, file).catch(() => undefined); // what failed is the news
      throw error;
    } finally {
      await window.close();
    }
  }

  close(): Promise<void> {
    return this.#chromium.close();
  }
}

async function picture(page: Page, path: string): Promise<void> {
  await page.screenshot({ path, animations: 'disabled' });
}

async function describeWindow(
  window: BrowserContext,
  traffic: readonly string[],
  file: string,
): Promise<void> {
  const pages = window.pages();
  const texts = await Promise.all(
    pages.map(async (page) => `${page.url()}\n\n${await page.locator('body').ariaSnapshot()}\n`),
  );
  await mkdir(join(file, '..'), { recursive: true });
  await writeFile(`${file}.txt`, [...texts, ...traffic, ''].join('\n'));
  for (const page of pages.slice(-1)) await picture(page, `${file}.png`);
}

/** One line for each answer, each failed request and each complaint of a page; without queries, where codes are. */
function trafficOf(window: BrowserContext): readonly string[] {
  const startedAt = Date.now();
  const lines: string[] = [];
  const add = (what: string, url = '') =>
    lines.push(`${String(Date.now() - startedAt).padStart(6)} ms  ${what} ${url.replace(/\?.*/, '?…')}`);
  window.on('response', (response) =>
    add(`${response.request().method()} ${response.status()}`, response.url()),
  );
  window.on('requestfailed', (request) =>
    add(`${request.method()} ${request.failure()?.errorText}`, request.url()),
  );
  window.on('console', (message) => {
    if (message.type() === 'error') add(`error: ${message.text()}`);
  });
  return lines;
}
