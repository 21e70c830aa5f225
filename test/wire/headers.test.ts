// Which fields reach the server and the client, and requests that two parsers could read differently: those reach no server.
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { RawConnection } from '../kit/raw.ts';
import { type Answer } from '../kit/http.ts';
import { PING, TestBed } from '../support/sidecar.ts';
import { waitFor } from '../kit/wait.ts';
import { answerJson, answerRaw, type RecordedRequest } from '../kit/upstream.ts';

let bed: TestBed;
before(async () => {
  bed = await TestBed.start();
});
after(() => bed.stop());
beforeEach(() => {
  bed.upstream.requests.length = 0;
  bed.upstream.script = answerJson;
});

/** Makes a call and gives what the server saw of it. */
async function seenByServer(
  headers: Record<string, string | string[]> = {},
  from = bed,
): Promise<RecordedRequest> {
  from.upstream.requests.length = 0;
  const answer = await from.callWith(from.issuer.token(), { headers });
  assert.equal(answer.status, 200, answer.body);
  assert.equal(from.upstream.requests.length, 1);
  return from.upstream.requests[0]!;
}

/** All values of a field, however its name is written. */
function valuesOf({ rawHeaders }: RecordedRequest, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name.toLowerCase());
}

describe('a field that is not known to be harmless does not come from the client', () => {
  const names = [
    'X-MCP-Subject',
    'x_mcp_subject',
    'X-Mcp_Subject',
    'X-MCP-Anything',
    'X-Forwarded-For',
    'X_Forwarded_For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Forwarded-Port',
    'X-Forwarded-Prefix',
    'X-Forwarded-User',
    'X-Forwarded-Email',
    'X-Forwarded-Access-Token',
    'X-Forwarded-Client-Cert',
    'Forwarded',
    'X-Real-IP',
    'X-Client-IP',
    'X-Cluster-Client-IP',
    'True-Client-IP',
    'CF-Connecting-IP',
    'X-Original-URL',
    'X-Original-Host',
    'X-Rewrite-URL',
    'X-Auth-Request-User',
    'X-Authenticated-User',
    'X-Remote-User',
    'Remote-User',
    'Remote_User',
    'X-WebAuth-User',
    'SSL-Client-Cert',
    'X-SSL-Client-DN',
    'X-Client-Cert',
    'Client-Cert',
    'Client-Cert-Chain',
    'X-Envoy-Original-Path',
    'X-Amzn-Oidc-Identity',
    'X-MS-Client-Principal',
    'X-Goog-Authenticated-User-Email',
    'Cf-Access-Authenticated-User-Email',
    'X-User',
    'X-User-Id',
    'X-Userinfo',
    'X-Email',
    'X-Groups',
    'X-Auth-Token',
    'X-JWT-Assertion',
    'X-Consumer-Username',
    'X-Pomerium-Jwt-Assertion',
    'X-Authentik-Username',
    'Remote-Groups',
    'Tailscale-User-Login',
    'X-Spiffe-Id',
    'Impersonate-User',
    'X-Forwarded',
    'Forwarded-For',
    'Fly-Client-IP',
    'X-Originating-IP',
    'X-HTTP-Method-Override',
    'X-Scheme',
    'Proxy-Authorization',
    'Proxy-Connection',
    'DPoP',
    'Origin_',
    ...[
      'X-Auth-Request-Email',
      'X-Tenant',
      'X-TENANT',
      'X_Tenant',
      'X.Tenant',
      'X-Tenant-Id',
      'X-Account-Id',
      'X-Org-Id',
      'X-Organization',
      'X-Customer-Id',
      'X-Subject',
      'X-Sub',
      'X-Principal',
      'X-Principal-Name',
      'X-Role',
      'X-Scope',
      'X-Scopes',
      'X-Permissions',
      'X-Claims',
      'X-Token-Claims',
      'X-Admin',
      'X-Is-Admin',
      'X-Internal',
      'X-Internal-Request',
      'X-Internal-Token',
      'X-Caller',
      'X-Client-Id',
      'X-Client-Ip',
      'X-Hasura-Role',
      'X-Hasura-User-Id',
      'X-Hasura-Admin-Secret',
      'X-Amzn-Mtls-Clientcert',
      'X-Amzn-Mtls-Clientcert-Subject',
      'X-Amz-Cf-Id',
      'X-Amzn-Oidc-Data',
      'X-Apigateway-Api-Userinfo',
      'X-Endpoint-Api-Userinfo',
      'X-Serverless-Authorization',
      'X-Ms-Client-Principal',
      'X-Ms-Client-Principal-Name',
      'X-Kubernetes-User',
      'X-Teleport-Username',
      'Teleport-Jwt-Assertion',
      'Cf-Access-Jwt-Assertion',
      'X-Grafana-User',
      'X-Kong-Consumer-Id',
      'X-3scale-User',
      'X-Apigee-User',
      'X-Shield-User',
      'X-Netscaler-User',
      'Iv-User',
      'Iv-Groups',
      'Iv-Creds',
      'Sm-User',
      'Sm_User',
      'SM_USERDN',
      'Sm-Universalid',
      'Oam-Remote-User',
      'Osso-User-Dn',
      'X-SSO-User',
      'Sso-User',
      'X-LDAP-User',
      'X-Kerberos-User',
      'X-Shib-User',
      'Shib-Identity-Provider',
      'Eppn',
      'Displayname',
      'Mail',
      'Uid',
      'X-JWT-Payload',
      'X-ID-Token',
      'Userinfo',
      'X-Access-Token',
      'X-Api-Key',
      'Api-Key',
      'X-Authorization',
      'X-Original-Authorization',
      'Authorization2',
      'Cookie',
      'X-Gitlab-User',
      'X-Sandstorm-User-Id',
      'X-Sandstorm-Permissions',
      'X-Original-Url',
      'X-Rewrite-Url',
      'X-Original-Method',
      'X-Accel-Redirect',
      'X-Sendfile-Type',
      'X-Accel-Mapping',
      'X-ARR-SSL',
      'X-ProxyUser-Ip',
      'X-Host',
      'X-Forwarded-Server',
      'X-Cluster-Client-Ip',
      'X-Middleware-Subrequest',
      'X-Nextjs-Data',
      'X-Dapr-App-Id',
      'Dapr-Api-Token',
      'L5d-Client-Id',
      'L5d-Dst-Override',
      'X-Istio-Attributes',
      'Content-Location',
      'Sec-Fetch-Site',
      'Max-Forwards',
      'X-Forwarded_User',
      'X-Anything',
      'x-openwebui-user-email',
      'Mcp-Subject',
      'MCP-User',
      'Mcp-Client-Id',
      'mcp_param_x',
      'Mcp-Auth-Token',
      'X_MCP_Toolsets',
      'X-MCP-Toolsets_',
      'X-MCP-Username',
      'X-Mcp-Toolsets.',
      'From',
      'Sec-Fetch-Mode',
      'X-Request-Id_',
      'Forwarded-Host',
      'Origin2',
      'Content-Length_',
      'X-MCP-Subject-Id',
      'Traceparent_',
      '!#$%&*+.^`|~',
    ],
  ];

  it('in any spelling, and ours are there, once each', async () => {
    let seen!: RecordedRequest;
    for (let from = 0; from < names.length; from += 80) {
      const spoofed = names.slice(from, from + 80).map((name) => [name, 'spoofed'] as const);
      seen = await seenByServer(Object.fromEntries(spoofed));
      assert.ok(!seen.rawHeaders.includes('spoofed'), seen.rawHeaders.join(' | '));
    }
    assert.deepEqual(valuesOf(seen, 'X-Mcp-Subject'), ['alice']);
    assert.deepEqual(valuesOf(seen, 'X-Forwarded-For'), ['127.0.0.1']);
    assert.deepEqual(valuesOf(seen, 'X-Forwarded-Proto'), ['https']);
    assert.deepEqual(valuesOf(seen, 'X-Forwarded-Host'), ['localhost:8001']);
  });
});

describe('toward the server', () => {
  it('what MCP uses passes as it is, and what is absent stays absent', async () => {
    const fields = {
      Accept: 'application/json, text/event-stream',
      'MCP-Protocol-Version': '2025-11-25',
      'Mcp-Method': 'ping',
      'Mcp-Name': '=?base64?SGVsbG8=?=',
      'Mcp-Param-Region': 'eu  west',
      'Mcp-Param-user_id': '7',
      'User-Agent': 'test/1.0',
      'Accept-Language': 'it',
      Prefer: 'respond-async',
      'Idempotency-Key': '7',
      'X-Request-ID': 'r1',
      'X-B3-Sampled': '1',
      baggage: 'a=b',
      // By which clients configure servers.
      'X-MCP-Readonly': 'true',
      'X-MCP-Toolsets': 'repos,issues',
      'X-MCP-Tools': 'get_me',
      'X-MCP-Exclude-Tools': 'delete_file',
      'X-MCP-Features': 'issues_granular',
      'X-MCP-Insiders': 'true',
      'x-mcp-lockdown': 'true',
      'Mcp-Extension': 'any of MCP',
      traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
    };
    const seen = await seenByServer(fields);
    for (const [name, value] of Object.entries(fields)) {
      assert.ok(seen.rawHeaders.includes(name), `${name} as it was written`);
      assert.deepEqual(valuesOf(seen, name), [value]);
    }
    const bare = await seenByServer();
    for (const name of Object.keys(fields)) assert.deepEqual(valuesOf(bare, name), [], name);
  });

  it('what Connection names goes no further, and ours cannot be named away', async () => {
    const seen = await seenByServer({
      Connection: 'close, X-MCP-Tools, X-Mcp-Subject, authorization, x-forwarded-for, via, content-length',
      'X-MCP-Tools': '1',
      'X-MCP-Toolsets': '2',
    });
    assert.deepEqual(valuesOf(seen, 'X-MCP-Tools'), []);
    assert.deepEqual(valuesOf(seen, 'X-MCP-Toolsets'), ['2']);
    assert.deepEqual(valuesOf(seen, 'X-Mcp-Subject'), ['alice']);
    assert.deepEqual(valuesOf(seen, 'X-Forwarded-For'), ['127.0.0.1']);
    assert.deepEqual(valuesOf(seen, 'Content-Length'), [String(PING.length)]);
    assert.equal(valuesOf(seen, 'Via').length, 1);
  });

  it('a request that comes back to us is refused: 508', async () => {
    const via = valuesOf(await seenByServer(), 'Via').join();
    bed.upstream.requests.length = 0;
    const answer = await bed.callWith(bed.issuer.token(), { headers: { Via: `1.1 other, ${via}` } });
    assert.equal(answer.status, 508);
    assert.deepEqual(bed.upstream.requests, []);
  });
});

describe('toward the client', () => {
  async function answerWith(headers: Record<string, string | string[]>, status = 200): Promise<Answer> {
    bed.upstream.script = (req, res) => {
      req.resume();
      res.writeHead(status, headers);
      res.end('{}');
    };
    return bed.callWith(bed.issuer.token());
  }

  it('the server is not named, and its challenge, its CORS and its hop fields stay behind', async () => {
    const hidden = {
      Server: 'uvicorn',
      'X-Powered-By': 'Express',
      'WWW-Authenticate': 'Bearer resource_metadata="https://evil.test/x"',
      'Proxy-Authenticate': 'Basic',
      'Access-Control-Allow-Origin': '*',
      'Access-Control-Allow-Credentials': 'true',
      Via: '1.1 inner',
      'Alt-Svc': 'h2=":8000"',
      'Proxy-Connection': 'keep-alive',
      TE: 'x',
      Upgrade: 'h2c',
    };
    const { headers, body } = await answerWith({ ...hidden, 'X-Shown': '1' });
    assert.equal(body, '{}');
    assert.equal(headers['x-shown'], '1');
    for (const name of Object.keys(hidden)) assert.equal(headers[name.toLowerCase()], undefined, name);
    assert.equal(headers['x-content-type-options'], 'nosniff');
  });

  it('a Location that names the loopback address stays behind', async () => {
    const { headers, status } = await answerWith({ Location: bed.upstream.url }, 201);
    assert.equal(status, 201);
    assert.equal(headers.location, undefined);
  });

  it('no shared cache keeps an answer, and nothing names the server’s address', async () => {
    const { url } = bed.upstream;
    const inside = { 'Content-Location': url, Link: `<${url}>; rel="next"`, Refresh: `0; url=${url}` };
    const answer = await answerWith({ ...inside, 'Cache-Control': 'public, max-age=600' });
    assert.ok(!JSON.stringify(answer.headers).includes(new URL(url).host));
    assert.equal(answer.headers['cache-control'], 'private, max-age=600');
  });

  it('fields of an interim answer stay behind', async () => {
    bed.upstream.script = answerRaw(
      `HTTP/1.1 103 Early Hints\r\nLink: <${bed.upstream.url}>; rel=preload\r\n\r\n` +
        'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
    );
    const { status, headers } = await bed.callWith(bed.issuer.token());
    assert.equal(status, 200);
    assert.equal(headers.link, undefined);
  });

  it('repeated fields stay repeated, and bytes beyond ASCII stay the same bytes', async () => {
    bed.upstream.script = answerRaw(
      'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nX-Name: Zo\xeb\r\nContent-Length: 2\r\n\r\n{}',
    );
    const { headers } = await bed.callWith(bed.issuer.token());
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(headers['x-name'], 'Zo\xeb');
  });
});

describe('headers that the resource names', () => {
  let configured: TestBed;
  before(async () => {
    configured = await TestBed.start({
      config: () => ({
        logLevel: 'info',
        claimToHeaders: [
          { claim: 'sub', header: 'X-Grafana-User' },
          { claim: 'sub', header: 'X-Grafana-Login-Name' },
          { claim: 'sub', header: 'Mcp-Acting-For' },
        ],
        forwardHeaders: ['X-API-Key', 'x_api_key', 'X-Grafana-*', 'X-Mcp-*', 'Acme-*'],
      }),
    });
  });
  after(() => configured.stop());

  const forwarded = {
    'X-API-Key': 'k',
    x_api_key: 'k2',
    'x-grafana-URL': 'https://g.test',
    'X-Grafana-Org-Id': '7',
    'X-Mcp-Base-Url': 'https://b.test',
    'acme-x': '1',
  };
  const dropped = {
    // Ours, in any spelling, under a beginning that is named.
    'X-Grafana-User': 'root',
    'x-grafana-user': 'root',
    'X-Grafana_User': 'root',
    // PHP makes `_` of a dot, lighttpd of anything that is no letter or digit.
    'X-Grafana-Login.Name': 'root',
    'X-Grafana-Login~Name': 'root',
    'Mcp-Acting.For': 'root',
    'X-Grafana-Org.Id': 'root',
    X_Grafana_URL: 'root',
    // Of identity, under a beginning that is named.
    'X-MCP-Subject': 'root',
    'X-Mcp-User-Id': 'root',
    'X-Mcp-Tenant': 'root',
    // Near misses.
    'X-API-Key2': 'root',
    'X-APIKey': 'root',
    'X-Grafana': 'root',
    'XX-Grafana-URL': 'root',
    'X-Acme-X': 'root',
    Cookie: 'root',
    'X-Forwarded-User': 'root',
  };

  it('pass as they came, and what says who calls does not, whatever is named', async () => {
    const seen = await seenByServer({ ...forwarded, ...dropped }, configured);
    for (const [name, value] of Object.entries(forwarded))
      assert.deepEqual(valuesOf(seen, name), [value], name);
    assert.ok(!seen.rawHeaders.includes('root'), seen.rawHeaders.join(' | '));
    assert.deepEqual(valuesOf(seen, 'X-Grafana-User'), ['alice']);
  });

  it('repeated, they stay repeated', async () => {
    const seen = await seenByServer({ 'X-API-Key': ['a', 'b'], 'X-Other': ['a', 'b'] }, configured);
    assert.deepEqual(valuesOf(seen, 'X-API-Key'), ['a', 'b']);
    assert.deepEqual(valuesOf(seen, 'X-Other'), []);
  });

  it('a dropped one is counted, and named in the log once; strangers and long names fill nothing', async () => {
    const counted = () => configured.metric('mcp_sidecar_dropped_request_headers_total');
    const lines = (text: string) => configured.log.split('\n').filter((line) => line.includes(text));
    const before = await counted();
    const bogus = { Authorization: 'Bearer nobody', 'X-Of-A-Stranger': '1' };
    assert.equal((await configured.call({ headers: bogus })).status, 401);
    assert.equal(await counted(), before);
    for (let i = 0; i < 3; i++) await seenByServer({ 'X-Lost': ['value', 'value'] }, configured);
    assert.equal(await counted(), before + 6);
    assert.equal(lines('"x-lost"').length, 1);
    assert.match(lines('"x-lost"')[0]!, /"header":"x-lost".*request header dropped/);
    assert.ok(!configured.log.includes('x-of-a-stranger'));
    assert.ok(!configured.log.includes('"value"'), 'no value is in the log');

    await seenByServer({ [`X-${'a'.repeat(5_000)}`]: '1' }, configured);
    for (let from = 0; from < 160; from += 80) {
      const many = Array.from({ length: 80 }, (_, i) => [`X-Many-${from + i}`, '1'] as const);
      await seenByServer(Object.fromEntries(many), configured);
    }
    assert.ok(lines('request header dropped').length <= 64);
    assert.equal(lines('more request headers dropped').length, 1);
    assert.ok(configured.log.split('\n').every((line) => line.length < 1_000));
    assert.equal(await counted(), before + 6 + 1 + 160);
  });
});

describe('configured', () => {
  let other: TestBed;
  before(async () => {
    other = await TestBed.start({
      config: () => ({
        forwardOriginalToken: true,
        claimToHeaders: [
          { claim: 'sub', header: 'X-Subject' },
          { claim: 'name', header: 'X-Name' },
          { claim: 'groups', header: 'X-Groups' },
          { claim: '__proto__', header: 'X-Proto' },
        ],
      }),
    });
  });
  after(() => other.stop());

  it('forwardOriginalToken: the token goes to the server, as it came', async () => {
    const token = other.issuer.token();
    const answer = await other.callWith(token);
    assert.equal(answer.status, 200);
    assert.deepEqual(valuesOf(other.upstream.requests.at(-1)!, 'Authorization'), [`Bearer ${token}`]);
  });

  it('claimToHeaders: the client cannot set them, whether the claim is there or not', async () => {
    const seen = await seenByServer(
      { 'X-Subject': 'root', 'x-name': 'root', X_Groups: 'root', 'X-Proto': 'root' },
      other,
    );
    assert.deepEqual(valuesOf(seen, 'X-Subject'), ['alice']);
    assert.ok(!seen.rawHeaders.includes('root'));
  });

  const values: Record<string, [claim: unknown, header: string[]]> = {
    'plain text': ['alice', ['alice']],
    'a line end': ['a\r\nX-Admin: 1', ['a%0D%0AX-Admin:%201']],
    'a bare LF': ['a\nb', ['a%0Ab']],
    'a NUL': ['a\u0000b', ['a%00b']],
    'letters beyond ASCII': ['Zo\u00eb \u{1F600}', ['Zo%C3%AB%20%F0%9F%98%80']],
    'a percent sign': ['100%0D', ['100%250D']],
    'half a surrogate pair': ['a\ud800', ['a%EF%BF%BD']],
    'a number': [7, ['7']],
    'a truth value': [true, ['true']],
    'a list': [['a', 'b,c', 'd e'], ['a,b%2Cc,d%20e']],
    'a list with a line end': [['a', 'b\r\nX: y'], ['a,b%0D%0AX:%20y']],
    'an object': [{ a: 1 }, []],
    null: [null, []],
    'longer than any identity': ['x'.repeat(5_000), []],
  };
  for (const [name, [claim, header]] of Object.entries(values)) {
    it(`claimToHeaders: ${name}`, async () => {
      other.upstream.requests.length = 0;
      const answer = await other.callWith(other.issuer.token({ claims: { name: claim, groups: claim } }));
      assert.equal(answer.status, 200);
      const [seen] = other.upstream.requests;
      assert.deepEqual(valuesOf(seen!, 'X-Name'), header);
      assert.deepEqual(valuesOf(seen!, 'X-Groups'), header);
      assert.deepEqual(valuesOf(seen!, 'X-Admin'), []);
    });
  }

  it('no token, nor a part of one, is in the log', () => {
    for (const { log } of [bed, other]) assert.ok(!log.includes('eyJ'));
  });
});

describe('a request that can be read in two ways is refused, and nothing of it reaches the server', () => {
  const lines = (...fields: string[]) =>
    [
      'POST /mcp HTTP/1.1',
      'Host: localhost:8001',
      `Authorization: Bearer ${bed.issuer.token()}`,
      ...fields,
      '',
      '',
    ].join('\r\n');
  const chunked = 'Transfer-Encoding: chunked';
  /** Good in every respect but its target. */
  const pingTo = (target: string) => {
    const head = lines('Content-Type: application/json', `Content-Length: ${PING.length}`);
    return `${head.replace('/mcp', () => target)}${PING}`;
  };

  const cases: Record<string, () => string> = {
    'Host of another syntax': () => lines().replace('localhost:8001', 'localhost:8001:1'),
    'no Host in HTTP/1.0': () =>
      lines().replace('HTTP/1.1', 'HTTP/1.0').replace('Host: localhost:8001\r\n', ''),
    'chunk extension without end': () => `${lines(chunked)}2;${'a'.repeat(20_000)}`,
    'absolute target of this server, other Host': () =>
      lines().replace('/mcp', 'https://localhost:8001/mcp').replace('Host: localhost', 'Host: evil.test'),
    ...Object.fromEntries(
      [
        // Fragments, and what stands in no URI.
        ...['/mcp#', '/mcp#x', '/mcp?a#b', '/mcp?access_token=x#', '#/mcp', '/mcp?a"b', '/mcp?<script>'],
        // Dot segments and other spellings of the path: no second spelling is served.
        ...['/./mcp', '/x/../mcp', '/mcp/.', '/mcp/..', '/mcp/./', '/mcp/%2e/', '/%2e/mcp', '/x/%2e%2e/mcp'],
        ...[
          '/mcp%2f',
          '/%6dcp',
          '/mcp%23',
          '/mcp;x=1',
          '/mcp\\',
          '\\mcp',
          '//mcp',
          '/mcp//',
          '/mcp%00',
          '/MCP',
        ],
        // Bytes that are not of a target.
        ...['/mcp?a\tb', '/mcp?a\x01', '/mcp?a\x7f', '/mcp?\xe9', '/mcp\x0b'],
        // Absolute form: with a user, with a path that only a normalizing parser reads so, or of another server.
        ...['https://u:p@localhost:8001/mcp', 'https://u@localhost:8001/mcp', 'https://@localhost:8001/mcp'],
        ...['https://localhost:8001@evil.test/mcp', 'https://localhost:8001\\@evil.test/mcp'],
        ...[
          'https://localhost:8001/x/../mcp',
          'https://localhost:8001/%2e/mcp',
          'https://localhost:8001/./mcp',
        ],
        ...['https://localhost:8001/mcp#f', 'https://localhost:8001#/mcp', 'https://localhost:8001?/mcp'],
        ...['https:///localhost:8001/mcp', 'https:/localhost:8001/mcp', 'https:localhost:8001/mcp'],
        ...['https://loc%61lhost:8001/mcp', 'https://localhost:8001:/mcp', 'https://localhost:x/mcp'],
        ...['https://evil.test/mcp', 'https://localhost:8001', 'ftp://localhost:8001/mcp', 'file:///mcp'],
        // Authority and asterisk form.
        ...['localhost:8001', '*', ''],
      ].map((target) => [`target ${JSON.stringify(target)}`, () => pingTo(target)]),
    ),
    'target without a slash': () => lines().replace('/mcp', 'mcp'),
    'HTTP/1.2': () => lines().replace('HTTP/1.1', 'HTTP/1.2'),
    'HTTP/0.9': () => 'GET /mcp\r\n\r\n',
    'method in lower case': () => lines().replace('POST', 'post'),
    '101 fields': () => lines(...Array.from({ length: 101 }, (_, i) => `X-${i}: 1`)),
    'a second Authorization behind 100 fields': () =>
      lines(...Array.from({ length: 100 }, (_, i) => `X-${i}: 1`), 'Authorization: Bearer x'),
    'a head of more than 16 KiB': () => lines(`X-A: ${'a'.repeat(17_000)}`),
  };

  for (const [name, bytes] of Object.entries(cases)) {
    it(name, async () => {
      const connection = await RawConnection.open(bed);
      connection.send(bytes());
      const [status] = await connection.waitForStatuses(1);
      assert.ok(status === undefined || (status >= 400 && status < 500), `status ${status}`);
      assert.deepEqual(
        connection.statuses.filter((other) => other < 400),
        [],
      );
      connection.destroy();
      // Whatever of it was sent on is there by the time a later call is.
      assert.equal((await bed.callWith(bed.issuer.token(), { path: '/mcp?later' })).status, 200);
      assert.deepEqual(
        bed.upstream.requests.map(({ url }) => url),
        ['/mcp?later'],
      );
    });
  }

  it('and a target that has one reading is served, its query as it came', async () => {
    const targets: Record<string, string> = {
      'https://localhost:8001/mcp': '/mcp',
      'HTTPS://LOCALHOST:8001/mcp?a=b': '/mcp?a=b',
      'https://localhost/mcp/?x': '/mcp?x',
      '/mcp?x=../../y&z=%2e%2e%2f': '/mcp?x=../../y&z=%2e%2e%2f',
      '/mcp?a|b{c}^d`e[f]\\g': '/mcp?a|b{c}^d`e[f]\\g',
      '/mcp/?%zz&%00': '/mcp?%zz&%00',
      '/mcp??': '/mcp??',
    };
    for (const [target, seen] of Object.entries(targets)) {
      bed.upstream.requests.length = 0;
      const connection = await RawConnection.open(bed);
      connection.send(pingTo(target));
      assert.deepEqual(await connection.waitForStatuses(1), [200], target);
      connection.destroy();
      assert.deepEqual(
        bed.upstream.requests.map(({ url }) => url),
        [seen],
      );
    }
  });

  it('more than 100 fields are 431', async () => {
    for (const name of [
      '101 fields',
      'a second Authorization behind 100 fields',
      'a head of more than 16 KiB',
    ]) {
      const connection = await RawConnection.open(bed);
      connection.send(cases[name]!());
      assert.deepEqual(await connection.waitForStatuses(1), [431], name);
      await connection.waitForClose();
    }
  });

  const brokenBodies: Record<string, string> = {
    'bare LF after the chunk size': '2\n{}\r\n0\r\n\r\n',
  };
  for (const [name, body] of Object.entries(brokenBodies)) {
    it(`${name}: the server never gets a whole request`, async () => {
      let completed = 0;
      let closed = 0;
      bed.upstream.script = (req) =>
        void req
          .resume()
          .on('end', () => completed++)
          .on('close', () => closed++)
          .on('error', () => undefined);
      const connection = await RawConnection.open(bed);
      connection.send(lines(chunked) + body);
      await connection.waitForClose();
      await waitFor(() => closed === bed.upstream.requests.length, 'the server to see the end');
      assert.equal(completed, 0);
      assert.ok(connection.statuses.every((status) => status >= 400));
    });
  }
});
