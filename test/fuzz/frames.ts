/** One valid frame or body of each kind that the venue sends: the samples from which fuzzed ones are made. */
const data = (stream: string, body: string): Buffer => Buffer.from(`{"stream":"${stream}","data":{${body}}}`);

const LEVELS =
  '"b":[["61800.20","2.909"],["61800.10","0"],["61799.9","1.5"]],"a":[["61800.30","1.104"],["61801.00","0.000"]]';
const TIMES = '"E":1700000000123,"T":1700000000120';

export const FRAMES: readonly Buffer[] = [
  data(
    'btcusdt@depth@100ms',
    `"e":"depthUpdate",${TIMES},"s":"BTCUSDT","ps":"BTCUSDT","U":101,"u":110,"pu":100,"st":1,${LEVELS}`,
  ),
  data('ethusdt@depth@100ms', `"e":"depthUpdate",${TIMES},"s":"ETHUSDT","U":201,"u":210,"pu":200,"b":[],"a":[]`),
  data('btcusdt@depth20@100ms', `"e":"depthUpdate",${TIMES},"s":"BTCUSDT","U":101,"u":111,"pu":100,${LEVELS}`),
  data(
    'btcusdt@aggTrade',
    `"e":"aggTrade","E":1700000000123,"s":"BTCUSDT","a":5933014,"p":"61800.30","q":"0.006","nq":"0.006","f":100,"l":105,"T":1700000000120,"m":true,"st":1`,
  ),
  data(
    'ethusdt@aggTrade',
    '"e":"aggTrade","E":1700000000123,"s":"ETHUSDT","a":77,"p":"2683.41","q":"1","f":1,"l":1,"T":1700000000120,"m":false',
  ),
  data(
    'btcusdt@trade',
    '"e":"trade","E":1700000000123,"T":1700000000120,"s":"BTCUSDT","t":5,"p":"0","q":"0","X":"NA","m":true',
  ),
  data(
    'btcusdt@bookTicker',
    `"e":"bookTicker","u":110,"s":"BTCUSDT","b":"61800.20","B":"2.909","a":"61800.30","A":"1.104",${TIMES}`,
  ),
  data(
    'btcusdt@ticker',
    '"e":"24hrTicker","E":1700000000123,"s":"BTCUSDT","p":"1.0","P":"0.1","w":"61000.5","c":"61800.2","Q":"1","o":"61000","h":"62000","l":"60000","v":"1000.5","q":"61000000","O":1,"C":2,"F":1,"L":2,"n":2',
  ),
  Buffer.from('{"result":null,"id":1}'),
  Buffer.from('{"error":{"code":2,"msg":"Invalid request"},"id":1}'),
  Buffer.from(`{"e":"depthUpdate",${TIMES},"s":"BTCUSDT","U":1,"u":2,"pu":0,"b":[ [ "1" , 2.50 ] ],"a":[[3e0,"4"]]}`),
];

export const SNAPSHOT = Buffer.from(
  '{"lastUpdateId":100,"E":1700000000100,"T":1700000000099,"bids":[["61800.20","2.909"],["61800.10","0.696"]],"asks":[["61800.30","1.104"],["61801.00","5"]]}',
);
export const EXCHANGE_INFO = Buffer.from(
  '{"timezone":"UTC","serverTime":1,"symbols":[{"symbol":"BTCUSDT","status":"TRADING","pricePrecision":2,"quantityPrecision":3,"filters":[{"filterType":"PRICE_FILTER","tickSize":"0.10"},{"filterType":"LOT_SIZE","stepSize":"0.001"}]},{"symbol":"ETHUSDT","status":"SETTLING","filters":[]}]}',
);
export const KLINES = Buffer.from(
  '[[1700000000000,"61800.1","61900","61700.5","61850","12.5",1700000059999,"1",3,"1","1","0"],[1700000060000,"61850","61860","61840","61845","3.25",1700000119999,"1",3,"1","1","0"]]',
);
export const AGGREGATE_TRADES = Buffer.from(
  '[{"a":50,"p":"61800.30","q":"0.006","f":1,"l":1,"T":1700000000000,"m":false},{"a":51,"p":"61800.4","q":"1","f":2,"l":2,"T":1700000000001,"m":true}]',
);
export const VENUE_ERROR = Buffer.from('{"code":-1121,"msg":"Invalid symbol."}');
