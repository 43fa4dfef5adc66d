// expect-error: [ashlar.model.2]
#include <boost/hana/define_struct.hpp>

#include <ashlar/model/bind.hpp>
#include <ashlar/nn/embedding.hpp>
#include <ashlar/nn/tied.hpp>

using namespace ashlar;

struct Net {
  using Source = nn::Embedding<256, 64>;
#ifdef FIXED
  struct Target : Source {};  // a type of its own
#else
  using Target = Source;
#endif
  using Head = nn::Tied<Source>;
  BOOST_HANA_DEFINE_STRUCT(Net, (Source, source), (Target, target), (Head, head));
};

void bind(Net& net) {
  bind_ties(net);
}
