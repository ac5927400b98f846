import { expect } from 'chai';
import { DelayerError } from '../../src/core/errors.js';
import { addressText, isHostAllowed, parseAddress } from '../../src/http/address.js';

describe('an address of --http', () => {
  it('is an IP address and a port, or the path of a socket', () => {
    const read = (text: string) => addressText(parseAddress(text));
    expect(read('127.0.0.1:9465')).to.equal('http://127.0.0.1:9465');
    expect(read('localhost:9465')).to.equal('http://127.0.0.1:9465');
    expect(read('[::1]:80')).to.equal('http://[::1]:80');
    expect(read('0.0.0.0:0')).to.equal('http://0.0.0.0:0');
    expect(read('/run/delayer/http.sock')).to.equal('/run/delayer/http.sock');
    expect(read('./http.sock')).to.equal('./http.sock');
  });

  for (const text of [
    ...['', '9465', ':9465', '127.0.0.1', '127.0.0.1:', '127.0.0.1:65536', '127.0.0.1:-1', '127.0.0.1:1e3'],
    ...['256.0.0.1:1', '::1:80', '[127.0.0.1]:80', '[::1]', 'db.internal:9465', `/${'x'.repeat(107)}`],
  ])
    it(`is refused: ${text.length > 20 ? `a path of ${text.length} bytes` : JSON.stringify(text)}`, () => {
      expect(() => parseAddress(text))
        .to.throw(DelayerError)
        .with.property('code', 'usage');
    });

  it('is loopback for 127.0.0.0/8, ::1 and localhost only', () => {
    const isLoopback = (text: string) => {
      const address = parseAddress(text);
      return 'host' in address && address.isLoopback;
    };
    for (const text of ['127.0.0.1:1', '127.9.9.9:1', '[::1]:1', 'localhost:1'])
      expect(isLoopback(text), text).to.equal(true);
    for (const text of ['0.0.0.0:1', '[::]:1', '10.0.0.1:1', '[2001:db8::1]:1'])
      expect(isLoopback(text), text).to.equal(false);
  });

  it('is asked only by requests whose Host header is an IP address, localhost or an allowed name', () => {
    for (const host of ['127.0.0.1', '127.0.0.1:9465', '[::1]:9465', 'localhost', 'LOCALHOST:1', undefined])
      expect(isHostAllowed(host, []), host).to.equal(true);
    for (const host of ['evil.example', 'evil.example:9465', 'localhost.evil.example', '', 'db.internal:1'])
      expect(isHostAllowed(host, []), host).to.equal(false);
    expect(isHostAllowed('DB.internal:9465', ['db.internal'])).to.equal(true);
  });
});
