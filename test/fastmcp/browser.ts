// The person in front of FastMCP's client: what Python's `webbrowser` opens goes through the login page to the client's own callback.
import { httpClient } from '../../src/local/login/http-client.ts';
import { logIn } from '../../src/local/login/scripted-login.ts';
import { waitFor } from '../kit/wait.ts';

const [url = '', ca = '', user = 'eitan', password = 'test'] = process.argv.slice(2);

const callback = await logIn(url, { user, password, ca });
// The client opens the browser first and listens then.
await waitFor(
  () =>
    httpClient()(callback).then(
      ({ status }) => status === 200,
      () => false,
    ),
  'the callback to answer',
);
