// The pages of Inspector 1: connecting by its proxy or from the browser itself, *Open Auth Settings*, tools.
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { installInspector } from './install.ts';
import { InspectorProcess } from './process.ts';

/** Keeps nothing between two windows, so one process serves all scenarios. */
export async function startLine1(ca: string): Promise<InspectorProcess> {
  return InspectorProcess.start({ program: join(await installInspector(1), 'cli/build/cli.js'), ca });
}

export interface Line1Connection {
  readonly url: string;
  /** Who speaks to the server: the Inspector's Node process, or the page. */
  readonly connection: 'Via Proxy' | 'Direct';
  /** Without it the Inspector registers itself (RFC 7591). */
  readonly clientId?: string;
}

/** What the guided flow shows beside its steps, one after the other. */
type StepDetails =
  'OAuth Metadata Sources' | 'Registered Client Information' | 'Token Request Details' | 'Access Tokens';

/** One window of it. Each step waits for what a person would see. */
export class Line1Page {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async fillIn({ url, connection, clientId }: Line1Connection): Promise<void> {
    await this.#preventSecondCallback();
    if (connection === 'Direct') await this.#preventSecondLogin(url);
    await this.#choose('Transport Type', 'Streamable HTTP');
    await this.page.getByRole('textbox', { name: 'URL', exact: true }).fill(url);
    await this.#choose('Connection Type', connection);
    await this.#button('Authentication').click();
    if (clientId !== undefined) await this.page.getByPlaceholder('Client ID').fill(clientId);
  }

  async connect(): Promise<void> {
    await this.#button('Connect').click();
  }

  async isConnected(): Promise<void> {
    await this.page.getByText('Connected', { exact: true }).waitFor();
  }

  async openAuthSettings(): Promise<void> {
    await this.#button('Open Auth Settings').click();
  }

  async startQuickFlow(): Promise<void> {
    await this.#button('Quick OAuth Flow').click();
  }

  async startGuidedFlow(): Promise<void> {
    await this.#button('Guided OAuth Flow').click();
  }

  async continue(): Promise<void> {
    await this.#button('Continue').click();
  }

  /** A step of the guided flow is done when what it found, or needs, can be looked at. */
  async found(what: StepDetails): Promise<void> {
    await this.page.getByText(what, { exact: true }).waitFor();
  }

  /** The tab where a person logs in during the guided flow. */
  async openAuthorizationUrl(): Promise<Page> {
    const open = this.#button('Open authorization URL in new tab').click();
    const [tab] = await Promise.all([this.page.waitForEvent('popup'), open]);
    return tab;
  }

  /** Selects the code on the page that the login ends at, and puts it into the clipboard. */
  async copyAuthorizationCode(tab: Page): Promise<void> {
    await tab.getByText('Please copy this authorization code').waitFor();
    await tab.locator('code').click({ clickCount: 3 });
    await tab.keyboard.press('Control+C');
    await tab.close();
  }

  async pasteAuthorizationCode(): Promise<void> {
    await this.page.getByLabel('Authorization Code').focus();
    await this.page.keyboard.press('Control+V');
  }

  async isAuthenticated(): Promise<void> {
    await this.page.getByText('Authentication completed successfully').waitFor();
  }

  async listTools(): Promise<void> {
    await this.#button('List Tools').click();
    await this.page.getByText('Repeats a message.').waitFor();
  }

  async callEcho(message: string): Promise<void> {
    await this.page.getByText('Repeats a message.').click();
    await this.page.getByLabel('message').fill(message);
    await this.#button('Run Tool').click();
    await this.page.getByText('Tool Result: Success').waitFor();
  }

  /** The answer is below the form: it is scrolled to. */
  async shows(text: string): Promise<void> {
    await this.page.getByText(text).scrollIntoViewIfNeeded();
  }

  /**
   * The callback page starts again, with a code that is used up, when it is drawn again before it has the token. What
   * draws it again is the answer to this request: on a busy machine it comes late ("Connect again from the sidebar").
   * Left without an answer, it does not come; only STDIO needs it.
   */
  async #preventSecondCallback(): Promise<void> {
    const isCallback = () => new URL(this.page.url()).pathname.startsWith('/oauth/callback');
    await this.page.route('http://localhost:6277/config', (route) =>
      isCallback() ? undefined : route.continue(),
    );
  }

  /**
   * Direct, it logs in twice at once: the SDK's transport does it, and the page does it again. If the browser is slow to
   * leave the page, the second replaces the PKCE verifier of the first. The second begins with the metadata at the root,
   * which nothing else asks for: left without an answer, it goes no further.
   */
  async #preventSecondLogin(url: string): Promise<void> {
    await this.page.route(new URL('/.well-known/oauth-protected-resource', url).href, () => undefined);
  }

  async #choose(field: string, option: string): Promise<void> {
    await this.page.getByRole('combobox', { name: field }).click();
    await this.page.getByRole('option', { name: option, exact: true }).click();
  }

  #button(name: string) {
    return this.page.getByRole('button', { name, exact: true });
  }
}
