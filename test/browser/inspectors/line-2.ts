// The pages of Inspector 2: the list of servers, a server's settings with its era and its client, tools.
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { installInspector } from './install.ts';
import { InspectorProcess } from './process.ts';

/** Keeps servers, tokens and registrations in its home: a process for each scenario. */
export async function startLine2(ca: string): Promise<InspectorProcess> {
  return InspectorProcess.start({
    program: join(await installInspector(2), 'clients/launcher/build/index.js'),
    ca,
    files: { 'servers.json': '{"mcpServers":{}}' }, // else it begins with three samples
    args: ['--catalog', 'servers.json'],
    env: { MCP_INSPECTOR_SECRET_STORE: 'memory' },
  });
}

export interface Line2Settings {
  /** Of the protocol: 2025-11-25, which is its default, or 2026-07-28. */
  readonly era?: 'modern';
  /** Without it the Inspector registers itself (RFC 7591). */
  readonly clientId?: string;
}

/** How the page sends them to its backend, as far as it matters here. */
interface SavedSettings {
  readonly settings: { readonly protocolEra?: string; readonly oauthClientId?: string };
}

/** One window of it, and in it one server by the name `echo`. Each step waits for what a person would see. */
export class Line2Page {
  readonly page: Page;

  constructor(page: Page) {
    this.page = page;
  }

  async addServer(url: string): Promise<void> {
    await this.#button('Add Servers').click();
    await this.page.getByRole('menuitem', { name: 'Add manually' }).click();
    const dialog = this.page.getByRole('dialog', { name: 'Add server' });
    await dialog.getByLabel('Server ID').fill('echo');
    await dialog.getByRole('textbox', { name: 'Transport' }).click();
    await this.page.getByRole('option', { name: 'streamable-http' }).click();
    await dialog.getByRole('textbox', { name: 'URL' }).fill(url);
    await dialog.getByRole('button', { name: 'Add', exact: true }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  async set(settings: Line2Settings): Promise<void> {
    await Promise.all([this.#listIsReadAfterSaving(settings), this.#fillIn(settings)]);
  }

  async connect(): Promise<void> {
    // One sees its label; the switch itself has no size, and takes a key.
    await this.page.getByRole('switch', { name: 'Connect or disconnect "echo"' }).press('Space');
  }

  /** @param protocol as the card says it */
  async isConnected(protocol: '2025-11-25' | '2026-07-28'): Promise<void> {
    await this.page.getByText('Connected', { exact: true }).waitFor();
    await this.page.getByText(`MCP ${protocol}`).waitFor();
  }

  async listTools(): Promise<void> {
    await this.page.getByRole('banner').getByText('Tools', { exact: true }).click();
    await this.page.getByRole('heading', { name: 'Tools (1)' }).waitFor();
  }

  async callEcho(message: string): Promise<void> {
    await this.#button('Echo echo').click();
    await this.page.getByRole('textbox', { name: 'message' }).fill(message);
    await this.#button('Execute Tool').click();
    await this.page.getByRole('heading', { name: 'Results' }).waitFor();
  }

  async #fillIn({ era, clientId }: Line2Settings): Promise<void> {
    await this.#button('Settings').click();
    const dialog = this.page.getByRole('dialog', { name: 'Server Settings' });
    if (era === 'modern') {
      await dialog.getByRole('textbox', { name: 'Protocol Era' }).click();
      await this.page.getByRole('option', { name: 'Modern' }).click();
    }
    if (clientId !== undefined) {
      await dialog.getByRole('button', { name: 'OAuth Settings' }).click();
      await dialog.getByLabel('Client ID').fill(clientId);
    }
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'hidden' });
  }

  /** Settings are written without a word, a while after a change or when the dialog is closed; then the list is read again. */
  async #listIsReadAfterSaving({ era, clientId = '' }: Line2Settings): Promise<void> {
    let isSaved = false;
    const list = await this.page.waitForResponse((response) => {
      const request = response.request();
      const { pathname } = new URL(response.url());
      if (pathname === '/api/servers/echo' && request.method() === 'PUT') {
        const { settings } = request.postDataJSON() as SavedSettings;
        isSaved = settings.protocolEra === era && (settings.oauthClientId ?? '') === clientId;
      }
      return isSaved && pathname === '/api/servers' && request.method() === 'GET';
    });
    await list.finished();
  }

  #button(name: string) {
    return this.page.getByRole('button', { name, exact: true });
  }
}
