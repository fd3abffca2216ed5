// A binary heap in an array: n numbers go in and come out in order.
function swap(heap, i, j) {
    const x = heap[i];
    heap[i] = heap[j];
    heap[j] = x;
}

function up(heap, at) {
    let i = at;
    while (i > 0 && heap[(i - 1) >> 1] > heap[i]) {
        swap(heap, i, (i - 1) >> 1);
        i = (i - 1) >> 1;
    }
}

function down(heap) {
    const n = heap.length;
    let i = 0;
    for (;;) {
        const left = 2 * i + 1;
        if (left >= n) break;
        const right = left + 1;
        const child = right < n && heap[right] < heap[left] ? right : left;
        if (heap[child] >= heap[i]) break;
        swap(heap, i, child);
        i = child;
    }
}

function take(heap) {
    const least = heap[0];
    const last = heap.pop();
    if (heap.length > 0) {
        heap[0] = last;
        down(heap);
    }
    return least;
}

const n = Number(process.argv[2] ?? 400_000);
const heap = [];
let seed = 42;
for (let i = 0; i < n; i++) {
    seed = (seed * 1597 + 51749) % 244944;
    heap.push(seed);
    up(heap, heap.length - 1);
}
let checksum = 0;
for (let i = 0; i < n; i++) checksum = (checksum * 31 + take(heap)) % 1000007;
console.log("priority_queue", n, checksum);
