// A fetch that remembers what was asked of whom, and what came back: the client's own observations.

export interface Exchange {
  readonly method: string;
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly authorization: string | null;
  /** The body that was sent, where it was text. */
  readonly body: string;
}

export interface Recorder {
  readonly exchanges: Exchange[];
  readonly fetch: (url: string | URL, init?: RequestInit) => Promise<Response>;
}

export function createRecorder(): Recorder {
  const exchanges: Exchange[] = [];
  return {
    exchanges,
    fetch: async (url, init = {}) => {
      const response = await fetch(url, init);
      exchanges.push({
        method: init.method ?? 'GET',
        url: String(url),
        status: response.status,
        headers: response.headers,
        authorization: new Headers(init.headers).get('authorization'),
        body: init.body instanceof URLSearchParams || typeof init.body === 'string' ? String(init.body) : '',
      });
      return response;
    },
  };
}
