// The way through: injector, then the sidecar as a real process with the checks that it has by default, then the server.
import { TestBed, TRANSPORT } from '../support/sidecar.ts';
import { Injector } from './injector.ts';

const HOUR_S = 3600;

export interface Passage {
  readonly url: string;
  /** How many requests for the MCP endpoint the sidecar has finished. */
  readonly requests: () => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** @param upstream the URL of the server */
export async function openPassage(upstream: string): Promise<Passage> {
  const injector = await Injector.start();
  try {
    const origin = `localhost:${injector.port}`;
    const bed = await TestBed.start({
      config: () => ({
        // As by default, but for streams: a comment each second, so that there are some within the time of a scenario.
        transport: { ...TRANSPORT, eventStreamKeepAliveSeconds: 1 },
        // The scenarios name the injector in Host, and as the good Origin: they reach the sidecar as they are.
        resource: `https://${origin}/mcp`,
        allowedOrigins: [`http://${origin}`],
        upstream: { url: upstream },
      }),
    });
    const exp = Math.floor(Date.now() / 1000) + HOUR_S;
    injector.forwardTo({ tls: bed.tls, token: bed.issuer.token({ claims: { exp } }) });
    const stop = async () => {
      await injector.close();
      await bed.stop();
    };
    return { url: `http://${origin}/mcp`, requests: () => requestsOf(bed), stop };
  } catch (error) {
    await injector.close();
    throw error;
  }
}

async function requestsOf(bed: TestBed): Promise<number> {
  const text = await (await fetch(bed.adminUrl('/metrics'))).text();
  const count = /^mcp_sidecar_request_duration_seconds_count\{route="mcp"\} (\d+)$/m.exec(text)?.[1];
  return Number(count ?? 0); // there is no line before the first one
}
