// Products of n by n matrices that are arrays of arrays.
const range = (n) => Array.from({ length: n }, (_, i) => i);
const matrix = (n, k) => range(n).map((i) => range(n).map((j) => (i * k + j) % 10));

function product(a, b, n) {
    return a.map((row) => range(n).map((j) => {
        let sum = 0;
        for (let k = 0; k < n; k++) sum += row[k] * b[k][j];
        return sum;
    }));
}

const n = Number(process.argv[2] ?? 300);
const c = product(matrix(n, 3), matrix(n, 7), n);
console.log("matrix", n, c[3][5], c[7].reduce((x, y) => x + y, 0));
