#!/usr/bin/env bash
# Nothing between step() and the operators looks up a policy at run time: read from the program that the compiler made.
#
#   virtual    no virtual table of a class in namespace ashlar but Error's, which is thrown. LibTorch's node classes
#              (torch::autograd::CppNode<...>) are virtual whatever they hold.
#   function   no std::function that holds anything of ours, but LibTorch's around its nodes and the one that reads the
#              environment when a process starts.
#   choice     no std::variant and no std::any.
#   compare    no function of ours that compares text or bytes: none calls memcmp, strcmp or std::string::compare, which is
#              what GCC and Clang make of a comparison of strings. Allowed are the comparisons of what the ranks say of
#              themselves when a trainer is made (engine/agree.cpp), of a parameter's shape with the one that it had
#              (engine/intact.cpp), of calls that were found to differ (comm/detail/mpi_peers.cpp), and of what LibTorch
#              says of an error (engine/nested.cpp); and LibTorch's shared pointers to nodes of ours.
#
# planted.cpp has all of these, and the same search must find each.

set -euo pipefail
cd "$(dirname "$0")"
temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT

# search PROGRAM: a line for each find, which starts with its kind.
search() {
  nm -C "$1" | cut -c20- >"$temporary/names"
  sed -nE 's/^vtable for (ashlar::.*)/virtual \1/p' "$temporary/names" | grep -vx 'virtual ashlar::Error' || true
  grep -E '^std::_Function_handler<.*ashlar::' "$temporary/names" |
    grep -vE 'torch::autograd::Function<|ashlar::comm::process_environment' | sed 's/^/function /' || true
  grep -E 'std::any::_Manager|std::__detail::__variant.*ashlar::|ashlar::.*std::variant<' "$temporary/names" | sed 's/^/choice /' || true
  objdump -dC --no-show-raw-insn "$1" | awk '
    /^[0-9a-f]+ <.*>:$/ {
      name = $0
      sub(/^[0-9a-f]+ </, "", name)
      ours = name ~ /ashlar::/ && name !~ /^(ashlar::detail::compare\(|ashlar::Intact::breach\(|ashlar::comm::detail::Peers::expect\(|ashlar::detail::explain_unused\(|ashlar::detail::\(anonymous namespace\)::build_inner\(.*\[clone \.cold\]|std::_Sp_counted_deleter<torch::autograd::CppNode<)/
    }
    ours && /(call|jmp) .*<(memcmp|bcmp|strcmp|strncmp|strcasecmp|wmemcmp|std::__cxx11::basic_string<.*>::compare)/ {
      print "compare in " name
    }'
}

status=0
"${CXX:-c++}" -std=c++20 -O2 planted.cpp -o "$temporary/planted"
search "$temporary/planted" >"$temporary/planted.found"
for kind in virtual function choice compare; do
  grep -q "^$kind " "$temporary/planted.found" || { echo "the search does not see the planted $kind"; status=1; }
done

program=$ASHLAR_BUILD_DIR/examples/03_zero3
[[ -x $program ]] || { echo "$program is not built"; exit 77; }
search "$program" >"$temporary/found"
grep -q ' ashlar::Training<.*>::step' "$temporary/names" || { echo "$program has no step to look at"; status=1; }
if [[ -s $temporary/found ]]; then
  echo "$program decides at run time:"
  cut -c1-300 "$temporary/found"
  status=1
fi
exit $status
