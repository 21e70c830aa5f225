// Requests that two parties could read differently, written byte by byte, and what must become of each. The ideas come
// from the RFCs, from the trophies and anomalies of narfindustries/http-garden, and from the rules of
// cispa/http-conformance; the bytes are our own.

export const BODY = '{"jsonrpc":"2.0","id":1,"method":"ping"}';
const SIZE = BODY.length.toString(16);
export const HOST = 'Host: localhost:8001';
const TYPE = 'Content-Type: application/json';
const CHUNKED = 'Transfer-Encoding: chunked';
const LENGTH = `Content-Length: ${BODY.length}`;

/** A POST of BODY to the endpoint but for what is named. */
export interface Shape {
  /** Bytes in front of the request line. */
  readonly before?: string;
  readonly requestLine?: string;
  /** Lines between the request line and Host. */
  readonly first?: readonly string[];
  readonly host?: readonly string[];
  /** What says where the body ends. */
  readonly framing?: readonly string[];
  /** Lines at the end of the head. */
  readonly fields?: readonly string[];
  readonly body?: string;
  /** What ends lines of the head. */
  readonly lineEnd?: string;
}

/** The bytes. `identity` are the lines by which the request gets in and is known again. */
export function bytesOf(shape: Shape, identity: readonly string[]): string {
  const { before = '', requestLine = 'POST /mcp HTTP/1.1', first = [], host = [HOST] } = shape;
  const { framing = [LENGTH], fields = [], body = BODY, lineEnd = '\r\n' } = shape;
  return (
    before +
    [requestLine, ...first, ...host, TYPE, ...identity, ...framing, ...fields, '', body].join(lineEnd)
  );
}

/** `refused`, unless said otherwise: 4xx or 5xx, the connection ends, nothing goes on. Served: one request, and it is this one. */
export type Payload = readonly [name: string, shape: Shape, reading?: 'served'];
export type Section = readonly [title: string, payloads: readonly Payload[]];

const lengths = (...values: string[]): Shape => ({
  framing: values.map((value) => `Content-Length: ${value}`),
});
const codings = (...values: string[]): Shape => ({
  framing: values.map((value) => `Transfer-Encoding: ${value}`),
  body: chunks(),
});
const chunked = (body: string): Shape => ({ framing: [CHUNKED], body });
const sized = (size: string): Shape => chunked(chunks({ size }));
const extra = (...fields: string[]): Shape => ({ fields });

function chunks({ size = SIZE, data = BODY, end = '\r\n', last = '0\r\n\r\n' } = {}): string {
  return `${size}\r\n${data}${end}${last}`;
}
/** In two chunks, the first with something about its size line. */
const inTwo = (line: string, between = '\r\n') =>
  `${line}${BODY.slice(0, 10)}${between}${(BODY.length - 10).toString(16)}\r\n${BODY.slice(10)}\r\n0\r\n\r\n`;

/** What other servers and proxies were found to read differently, and variations on it. */
export const GARDEN: readonly Section[] = [
  [
    'chunk sizes',
    [
      ['with an underscore, as int() of Python takes it', sized(`0_${SIZE}`)],
      ['with an underscore after it', sized(`${SIZE}_`)],
      ['with a plus', sized(`+${SIZE}`)],
      ['negative', sized(`-${SIZE}`)],
      ['-0x0, as strtoll takes it', sized('-0x0')],
      ['with 0x', sized(`0x${SIZE}`)],
      ['with text after the digits', sized(`${SIZE}these-bytes-are-never-read`)],
      ['of letters beyond f', chunked(`Z\r\nZZ\r\nZZZ\r\n\r\n`)],
      ['INVALID!!!, where a server waits for the next line', chunked('INVALID!!!\r\n')],
      ['empty, which is no zero', chunked('\r\n\r\n')],
      ['after blanks', sized(`           ${SIZE}`)],
      ['after a tab', sized(`\t${SIZE}`)],
      ['before a blank and no extension', sized(`${SIZE} `)],
      ['of 17 digits that overflow to it', sized(`1${SIZE.padStart(16, '0')}`)],
      ['with leading zeros', sized(SIZE.padStart(8, '0')), 'served'],
      ['in capitals', chunked(inTwo('A\r\n')), 'served'],
    ],
  ],
  [
    'chunk lines',
    [
      ['that end with CR and any byte', chunked(inTwo('a\rX'))],
      ['CR CR before an extension', chunked(inTwo('a\r\r;ABCD\r\n'))],
      ['CR CR after an extension', chunked(inTwo('a;a=b\r\rXX\r\n'))],
      ['CR in the blanks after the semicolon', chunked(inTwo('a;\r b\r\n'))],
      ['a bare LF ends the size', chunked(inTwo('a\n'))],
      ['a bare LF ends an extension', chunked(inTwo('a;x\n'))],
      ['a bare LF ends the data', chunked(inTwo('a\r\n', '\n'))],
      ['a bare CR ends the data', chunked(inTwo('a\r\n', '\r'))],
      ['any two bytes end the data', chunked(inTwo('a\r\n', 'XX'))],
      ['CR and data, without LF', chunked('1\r0\n')],
      ['an empty line before the last chunk', chunked(chunks({ end: '\r\n\r\n' }))],
      ['0 and a bare LF', chunked(chunks({ last: '0\n\r\n' }))],
      ['the last chunk ends with LF alone', chunked(chunks({ last: '0\r\n\n' }))],
      ['any two bytes end the message', chunked(chunks({ last: '0\r\nXX' }))],
      ['NUL in an extension', chunked(inTwo('a;\0\r\n'))],
      ['an extension', chunked(inTwo('a;a=b\r\n')), 'served'],
      ['an extension in quotes', chunked(inTwo('a;a="b c"\r\n')), 'served'],
      ['an extension of 20 KiB', chunked(inTwo(`a;${'x'.repeat(20_480)}\r\n`))],
    ],
  ],
  [
    'trailers',
    [
      ['that look like a request', chunked(chunks({ last: '0\r\nX:POST /mcp HTTP/1.1\r\n\r\n' })), 'served'],
      ['Content-Length', chunked(chunks({ last: `0\r\nContent-Length: 5\r\n\r\n` }))],
      ['Transfer-Encoding', chunked(chunks({ last: `0\r\n${CHUNKED}\r\n\r\n` }))],
      ['Authorization', chunked(chunks({ last: '0\r\nAuthorization: Bearer x\r\n\r\n' })), 'served'],
      ['without a colon', chunked(chunks({ last: '0\r\nX-A\r\n\r\n' }))],
      ['with a bare CR', chunked(chunks({ last: '0\r\nX-A: b\rc\r\n\r\n' }))],
      ['with NUL', chunked(chunks({ last: '0\r\nX-A: b\0\r\n\r\n' }))],
      ['folded', chunked(chunks({ last: '0\r\nX-A: b\r\n c\r\n\r\n' }))],
    ],
  ],
  [
    'lengths',
    [
      ['with a plus and an underscore', lengths('+4_0')],
      ['with an underscore', lengths('4_0')],
      ['negative', lengths('-48')],
      ['with 0x', lengths(`0x${SIZE}`)],
      ['with 0o', lengths('0o50')],
      ['with a letter after it', lengths(`${BODY.length}Z`)],
      ['with a semicolon after it', lengths(`${BODY.length};`)],
      ['empty', lengths('')],
      ['empty, without a body', { ...lengths(''), body: '' }],
      ['empty, then one', lengths('', String(BODY.length))],
      ['one, then empty', lengths(String(BODY.length), '')],
      ['one, then 0', lengths('1', '0')],
      ['0, then one', lengths('0', String(BODY.length))],
      ['the same twice', lengths(String(BODY.length), String(BODY.length))],
      ['in a list of one value', lengths(`${BODY.length}, ${BODY.length}`)],
      ['in a list', lengths(`${BODY.length}, 0`)],
      ['after a comma', lengths(`,${BODY.length}`)],
      ['with a blank inside', lengths('4 0')],
      ['with \\xa0 around it', lengths(`\xa0${BODY.length}\xa0`)],
      ['with \\x85 around it', lengths(`\x85${BODY.length}\x85`)],
      ['with a vertical tab before it', lengths(`\x0b${BODY.length}`)],
      ['with a form feed after it', lengths(`${BODY.length}\x0c`)],
      ['with NUL after it', lengths(`${BODY.length}\0`)],
      ['2^64 too long', lengths(String(2n ** 64n + BigInt(BODY.length)))],
      ['2^53 too long', lengths(String(2n ** 53n + BigInt(BODY.length)))],
      ['in Arabic digits as UTF-8', lengths('\xd9\xa4\xd9\xa0')],
      ['with a leading zero, octal to some', lengths(`0${BODY.length}`), 'served'],
      ['with tabs around it', lengths(`\t${BODY.length}\t`), 'served'],
      ['without a colon', { framing: [`Content-Length ${BODY.length}`] }],
      ['with a blank before the colon', { framing: [`Content-Length : ${BODY.length}`] }],
      ['with a tab before the colon', { framing: [`Content-Length\t: ${BODY.length}`] }],
      ['with \\x85 before the colon', { framing: [`Content-Length\x85: ${BODY.length}`] }],
      ['with \\xa0 before the colon', { framing: [`Content-Length\xa0: ${BODY.length}`] }],
      ['with CR before the colon', { framing: [`Content-Length\r: ${BODY.length}`] }],
      [
        'with an underscore in the name, besides the true one',
        { framing: [LENGTH, 'Content_Length: 0'] },
        'served',
      ],
      ['named in Connection', { framing: [LENGTH, 'Connection: content-length'] }, 'served'],
    ],
  ],
  [
    'codings',
    [
      ['chunked twice, in two fields', codings('chunked', 'chunked')],
      ['chunked twice, in one field', codings('chunked, chunked')],
      ['\\xa0 around chunked', codings('\xa0chunked\xa0')],
      ['\\x85 around chunked', codings('\x85chunked\x85')],
      ['\\xff around chunked', codings('\xffchunked\xff')],
      ['a vertical tab before chunked', codings('\x0bchunked')],
      ['a form feed after chunked', codings('chunked\x0c')],
      ['NUL after chunked', codings('chunked\0')],
      [',chunked', codings(',chunked')],
      [
        ',chunked and a length',
        { framing: ['Transfer-Encoding: ,chunked', 'Content-Length: 5'], body: '0\r\n\r\n' },
      ],
      ['chunked and a comma', codings('chunked,')],
      ['an unknown coding', codings('blegh')],
      ['identity', codings('identity')],
      ['gzip, chunked', codings('gzip, chunked')],
      ['chunked, gzip', codings('chunked, gzip')],
      ['chunked, then identity, in two fields', codings('chunked', 'identity')],
      ['xchunked', codings('xchunked')],
      ['chunked in quotes', codings('"chunked"')],
      ['chunked in single quotes', codings("'chunked'")],
      ['chunked with a parameter', codings('chunked;q=1')],
      ['the Kelvin sign for the k', codings('chun\xe2\x84\xaaed')],
      ['empty', codings('')],
      ['empty, then chunked', codings('', 'chunked')],
      ['a length before it', { framing: ['Content-Length: 5', CHUNKED], body: chunks() }],
      ['a length after it', { framing: [CHUNKED, 'Content-Length: 5'], body: chunks() }],
      [
        'the right length before it',
        { framing: [`Content-Length: ${chunks().length}`, CHUNKED], body: chunks() },
      ],
      ['a length of 0 after it', { framing: [CHUNKED, 'Content-Length: 0'], body: chunks() }],
      [
        'its name across two lines',
        { framing: ['Transfer-', 'Encoding: chunked', 'Content-Length: 5'], body: '0\r\n\r\n' },
      ],
      ['its value on a folded line', { framing: ['Transfer-Encoding:', ' chunked'], body: chunks() }],
      [
        'its value on a line folded by a tab',
        { framing: ['Transfer-Encoding:', '\tchunked'], body: chunks() },
      ],
      ['folded out of another field, with a length', { framing: ['X-A: b', ` ${CHUNKED}`, LENGTH] }],
      ['a blank before the colon', { framing: ['Transfer-Encoding : chunked'], body: chunks() }],
      ['a tab before the colon', { framing: ['Transfer-Encoding\t: chunked'], body: chunks() }],
      ['an underscore in its name', { framing: [LENGTH, 'Transfer_Encoding: chunked'] }, 'served'],
      [
        'named in Connection',
        { framing: [CHUNKED, 'Connection: transfer-encoding'], body: chunks() },
        'served',
      ],
      ['in HTTP/1.0', { requestLine: 'POST /mcp HTTP/1.0', framing: [CHUNKED], body: chunks() }],
      [
        'in HTTP/1.0 that is to be kept alive',
        { requestLine: 'POST /mcp HTTP/1.0', framing: [CHUNKED, 'Connection: keep-alive'], body: chunks() },
      ],
      ['CHUNKED in capitals', codings('CHUNKED'), 'served'],
      ['behind a tab', codings('\tchunked'), 'served'],
    ],
  ],
  [
    'field lines',
    [
      ['NUL and CR in a value', extra('X-A: v\0\ralue')],
      ['CR in a value', extra('X-A: va\rlue')],
      ['LF in a value', extra('X-A: va\nlue')],
      ['NUL in a value', extra('X-A: test\0these bytes get dropped')],
      ['NUL at the end of a value', extra('X-A: test\0')],
      ['CR ends a line', extra('Visible: :/\rSmuggled: :)')],
      ['a bare LF behind the colon, twice', extra('X-A:\n\nPOST /mcp HTTP/1.1')],
      ['CR at the start of a line', { first: ['\rX-A: b'] }],
      ['CR and any byte for the empty line', extra('\rZPOST /evil: HTTP/1.1')],
      ['a tab before the first one', { first: ['\tX-A: b'] }],
      ['a blank before the first one', { first: [' X-A: b'] }],
      ['no name', extra(': ignored')],
      ['neither name nor value', { first: [':'] }],
      ['no colon', extra('X-A')],
      ['no colon, NUL at the end', extra('X-A\0')],
      ['a name across two lines, LF between', extra('Te\nst: test')],
      ['\\x85 at the end of a name', extra('X-A\x85: b')],
      ['\\xef in a name', extra('\xefoo: bar')],
      ['\\xff in a name', extra('X-\xff: bar')],
      ['folded', extra('X-A: b', ' c')],
      ['folded, nothing but a blank', extra('X-A: b', ' ')],
      ['DEL in a value', extra('X-A: a\x7fb')],
      ['BEL in a value', extra('X-A: a\x07b')],
      ['ESC in a value', extra('X-A: a\x1bb')],
      ...[...'"(),/;<=>?@[\\]{}'].map((char): Payload => [`${char} in a name`, extra(`X-A${char}B: c`)]),
      ...[0x01, 0x08, 0x0b, 0x0c, 0x1f, 0x7f].map((code): Payload => [
        `\\x${code.toString(16).padStart(2, '0')} in a name`,
        extra(`X-A${String.fromCharCode(code)}B: c`),
      ]),
      ['\\x85 and \\xa0 around a value', extra('X-A: \x85admin\xa0'), 'served'],
      ['a value of bytes beyond ASCII', extra('X-A: caf\xe9 \xff'), 'served'],
      ['an empty value', extra('X-A:'), 'served'],
      ['a value without a blank before it', extra('X-A:b'), 'served'],
      ['Connection that names Host and the token', extra('Connection: host, authorization'), 'served'],
      ['Connection that names nothing at all', extra('Connection: ,, ,'), 'served'],
    ],
  ],
  [
    'request lines',
    [
      ['HTTP/1.32', { requestLine: 'POST /mcp HTTP/1.32' }],
      ['HTTP/1.2', { requestLine: 'POST /mcp HTTP/1.2' }],
      ['HTTP/4294967295.255', { requestLine: 'POST /mcp HTTP/4294967295.255' }],
      ['HTTP/ CR CR 1.1', { requestLine: 'POST /mcp HTTP/\r\r1.1' }],
      ['HTTP/01.1', { requestLine: 'POST /mcp HTTP/01.1' }],
      ['HTTP/1.', { requestLine: 'POST /mcp HTTP/1.' }],
      ['HTTP/2.0', { requestLine: 'POST /mcp HTTP/2.0' }],
      ['HTTPS/1.1', { requestLine: 'POST /mcp HTTPS/1.1' }],
      ['ICE/1.0', { requestLine: 'POST /mcp ICE/1.0' }],
      // llhttp takes POST of RTSP for POST of HTTP: one reading, and what goes on is HTTP/1.1.
      ['RTSP/1.0', { requestLine: 'POST /mcp RTSP/1.0' }, 'served'],
      ['a version of letters', { requestLine: 'POST /mcp HTTP/............0596.7407.' }],
      ['no version', { requestLine: 'POST /mcp' }],
      ['no version, GET, as in HTTP/0.9', { requestLine: 'GET /mcp' }],
      ['a LF for the blank before the version', { requestLine: 'POST /mcp\nHTTP/1.1' }],
      ['a CR for the blank before the version', { requestLine: 'POST /mcp\rHTTP/1.1' }],
      ['a tab for the blanks', { requestLine: 'POST\t/mcp\tHTTP/1.1' }],
      ['a method of delimiters', { requestLine: 'P=":<>(e),[T];?" /mcp HTTP/1.1' }],
      ['a method in small letters', { requestLine: 'post /mcp HTTP/1.1' }],
      ['a method that begins with POST', { requestLine: 'POSTX /mcp HTTP/1.1' }],
      ['a method of NUL', { requestLine: '\0 /mcp HTTP/1.1' }],
      ['no method', { requestLine: '/mcp HTTP/1.1' }],
      ['a blank in front', { requestLine: ' POST /mcp HTTP/1.1' }],
      ['a target of !', { requestLine: 'POST ! HTTP/1.1' }],
      ['a target without a slash', { requestLine: 'POST mcp HTTP/1.1' }],
      ['two targets', { requestLine: 'POST /mcp /mcp HTTP/1.1' }],
      ['a NUL in the target', { requestLine: 'POST /mcp\0 HTTP/1.1' }],
      ['a bare CR in the target', { requestLine: 'POST /mcp?\r HTTP/1.1' }],
      ['a byte beyond ASCII in the target', { requestLine: 'POST /mcp?\xe9 HTTP/1.1' }],
      ['a DEL in the target', { requestLine: 'POST /mcp?\x7f HTTP/1.1' }],
      ['NUL in front of it', { before: '\0' }],
      [
        'HTTP/1.0 with a length and no word on the connection',
        { requestLine: 'POST /mcp HTTP/1.0' },
        'served',
      ],
    ],
  ],
  [
    'hosts',
    [
      ['NUL inside', { host: ['Host: localhost:8001\0.evil.test'] }],
      ['\\xff around it', { host: ['Host: \xfflocalhost:8001\xff'] }],
      ['\\xa0 after it', { host: ['Host: localhost:8001\xa0'] }],
      ['none', { host: [] }],
      ['two', { host: [HOST, 'Host: evil.test'] }],
      ['two, ours last', { host: ['Host: evil.test', HOST] }],
      ['folded', { host: ['Host:', ' localhost:8001'] }],
      ['a blank before the colon', { host: ['Host : localhost:8001'] }],
    ],
  ],
  [
    'line ends',
    [
      ['LF alone, everywhere', { lineEnd: '\n' }],
      ['CR alone, everywhere', { lineEnd: '\r' }],
      ['LF CR, everywhere', { lineEnd: '\n\r' }],
      ['CR CR LF, everywhere', { lineEnd: '\r\r\n' }],
    ],
  ],
];

/** The rules of cispa/http-conformance for servers, as far as they are about requests to a gateway. */
export const CONFORMANCE: readonly Section[] = [
  [
    'RFC 9110 section 5.5: CR, LF or NUL in a value is refused',
    [
      ['NUL', extra('X-A: a\0')],
      ['CR', extra('X-A: a\r')],
      ['LF', extra('X-A: a\n')],
      ['CR before a letter', extra('X-A: a\rb')],
      ['LF before a letter', extra('X-A: a\nb')],
      ['NUL in the token', extra('X-Token: Bearer a\0b')],
      ['NUL in Content-Type', extra('X-Type: text/\0plain')],
    ],
  ],
  [
    'RFC 9112 section 3.2: a request without one valid Host gets 400',
    [
      ['no Host', { host: [] }],
      ['two equal ones', { host: [HOST, HOST] }],
      ['###', { host: ['Host: ###'] }],
      ['empty', { host: ['Host:'] }],
      ['a URL', { host: ['Host: https://localhost:8001'] }],
      ['a user', { host: ['Host: a@localhost:8001'] }],
      ['two names', { host: ['Host: localhost:8001, evil.test'] }],
      ['a path', { host: ['Host: localhost:8001/mcp'] }],
      ['a fragment', { host: ['Host: localhost:8001#'] }],
      ['a blank inside', { host: ['Host: localhost :8001'] }],
      ['a port that is no number', { host: ['Host: localhost:80x1'] }],
    ],
  ],
  [
    'RFC 9112 section 2.2: white space before the first field is refused',
    [
      ['before all of them', { host: [` ${HOST}`] }],
      ['a blank line that holds a blank', { first: [' '] }],
      ['a tab', { first: ['\t'] }],
      ['before the length', { first: [` ${LENGTH}`] }],
    ],
  ],
  [
    'RFC 9112 section 2.2: an empty line before the request is skipped',
    [
      ['one', { before: '\r\n' }, 'served'],
      ['two', { before: '\r\n\r\n' }, 'served'],
      ['one with a blank in it', { before: ' \r\n' }],
    ],
  ],
  [
    'RFC 9112 section 5.1: white space between name and colon gets 400',
    [
      ['a blank', extra('X-A : b')],
      ['a tab', extra('X-A\t: b')],
      ['two blanks', extra('X-A  : b')],
      ['in Host', { host: ['Host\t: localhost:8001'] }],
      ['in Connection', extra('Connection : close')],
    ],
  ],
  [
    'RFC 9112 section 5.2: a folded line gets 400',
    [
      ['by a blank', extra('X-A: a', ' b')],
      ['by a tab', extra('X-A: a', '\tb')],
      ['of nothing', extra('X-A:', ' ')],
      ['that holds a length', extra('X-A: a', ' Content-Length: 0')],
    ],
  ],
];
