// Sorts an array of n numbers in place.
function sortRange(a, low, high) {
    if (low < high) {
        const pivot = a[Math.floor((low + high) / 2)];
        let i = low, j = high;
        while (i <= j) {
            while (a[i] < pivot) i++;
            while (a[j] > pivot) j--;
            if (i <= j) {
                const x = a[i];
                a[i] = a[j];
                a[j] = x;
                i++;
                j--;
            }
        }
        sortRange(a, low, j);
        sortRange(a, i, high);
    }
}

const n = Number(process.argv[2] ?? 2_000_000);
const a = new Array(n).fill(0);
let seed = 42;
for (let i = 0; i < n; i++) {
    seed = (seed * 1597 + 51749) % 244944;
    a[i] = seed * 10 + i % 10;
}
sortRange(a, 0, n - 1);
console.log("quicksort", n, a[0], a[Math.floor(n / 2)], a[n - 1]);
