document.querySelectorAll("input[data-filter]").forEach(function (box) {
  var rows = document.getElementById(box.dataset.filter).tBodies[0].rows;
  box.hidden = false;
  box.addEventListener("input", function () {
    var wanted = box.value.trim().toLowerCase();
    Array.prototype.forEach.call(rows, function (row) {
      row.hidden = wanted !== "" && row.textContent.toLowerCase().indexOf(wanted) < 0;
    });
  });
});
window.addEventListener("beforeprint", function () {
  document.querySelectorAll("details.prints").forEach(function (part) { part.open = true; });
});
