// The distance of two texts of n repeated words: characters of texts, elements of an array, min of three.
function distance(a, b) {
    const n = b.length;
    const row = new Array(n + 1).fill(0);
    for (let j = 0; j <= n; j++) row[j] = j;
    for (let i = 0; i < a.length; i++) {
        let before = row[0];
        row[0] = i + 1;
        for (let j = 0; j < n; j++) {
            const cost = a[i] === b[j] ? 0 : 1;
            const best = Math.min(row[j + 1] + 1, row[j] + 1, before + cost);
            before = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[n];
}

const n = Number(process.argv[2] ?? 200);
console.log("levenshtein", n, distance("kitten sitting on ".repeat(n), "sitting kitten at ".repeat(n)));
