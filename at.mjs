const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
const i32 = new Int32Array(memory.buffer), u32=new Uint32Array(memory.buffer);
function st(n){for(let i=0;i<n;i++)Atomics.store(i32,5,i);}
function ld(n){let s=0;for(let i=0;i<n;i++)s+=Atomics.load(i32,5);return s;}
function pl(n){for(let i=0;i<n;i++)u32[i&1023]=i;}
function cx(n){for(let i=0;i<n;i++)Atomics.compareExchange(i32,5,i,i+1);}
for(const f of [st,ld,pl,cx]){f(1e6);const t=performance.now();f(2e7);console.log(f.name,(performance.now()-t)/20,"ns")}
