import http from 'node:http';
import https from 'node:https';

export interface HttpAnswer {
  readonly statusCode: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpGetOptions {
  /** For the whole exchange, from dialling to the last byte. */
  readonly timeoutMs: number;
  readonly bodyBytesMax: number;
}

/** Small and bounded: node's own `fetch` costs several MB of resident memory and follows redirects by default. */
export class HttpGetter {
  readonly #http = new http.Agent({ keepAlive: true, maxSockets: 16 });
  readonly #https = new https.Agent({ keepAlive: true, maxSockets: 16 });

  /** Rejects on network errors, time-outs and bodies that are too large; any status code resolves. */
  get(url: string, options: HttpGetOptions): Promise<HttpAnswer> {
    const isSecure = url.startsWith('https:');
    return new Promise((resolve, reject) => {
      const request = (isSecure ? https : http).get(
        url,
        {
          agent: isSecure ? this.#https : this.#http,
          headers: { accept: 'application/json' },
          maxHeaderSize: 16 << 10,
        },
        (response) => {
          const chunks: Buffer[] = [];
          let bytes = 0;
          response.on('data', (chunk: Buffer) => {
            bytes += chunk.length;
            if (bytes > options.bodyBytesMax)
              request.destroy(new Error(`answer larger than ${options.bodyBytesMax} bytes`));
            else chunks.push(chunk);
          });
          response.on('end', () => {
            clearTimeout(deadline);
            resolve({
              statusCode: response.statusCode ?? 0,
              headers: response.headers,
              body: Buffer.concat(chunks, bytes),
            });
          });
          response.on('error', fail);
          response.on('aborted', () => fail(new Error('connection closed before the answer was complete')));
        },
      );
      function fail(error: Error): void {
        clearTimeout(deadline);
        reject(error);
      }
      const deadline = setTimeout(
        () => request.destroy(new Error(`no answer within ${options.timeoutMs} ms`)),
        options.timeoutMs,
      );
      request.on('error', fail);
    });
  }

  close(): void {
    this.#http.destroy();
    this.#https.destroy();
  }
}
