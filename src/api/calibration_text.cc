#include "api/calibration_text.h"

namespace lathe {

std::string_view calibration_text() {
  return R"(The ferry left the harbour at a quarter past six, when the lamps on the pier were still lit. Marta stood at the
rail with her collar up and counted the gulls. Her grandfather had built two of the boats that lay in the dry dock, and he
used to say that a hull remembers every winter it has seen. She did not believe that, but she liked to think about it.

"Are you going far?" asked the man beside her.
"Only to the island. My sister keeps bees there. And you?"
"I repair clocks. The church tower has been eleven minutes late since March, and nobody agrees on whose fault it is."

How to bake a simple bread:
1. Mix 500 g of flour, 10 g of salt and 7 g of dry yeast in a large bowl.
2. Add 320 ml of lukewarm water and knead for ten minutes, until the dough is smooth.
3. Let it rise for 1.5 hours; fold it twice; bake at 230 °C for 35 minutes.

The heart of a blue whale weighs about 180 kg and beats between two and thirty-seven times a minute. Mount Everest is
8,849 metres high. In 1969, people walked on the Moon for the first time; 12 have done so by now. Light needs 8 minutes and
19 seconds from the Sun to the Earth, and 4.2 years to the nearest star.

def median(values):
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2 == 1:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2

User: Can you explain why the sea is salty?
Assistant: Rain dissolves small amounts of minerals from rocks, and rivers carry them to the sea. Water evaporates again, but
the salt stays behind, so over millions of years it has collected there. Some of it also comes from vents on the sea floor.

Les enfants jouaient dans la cour pendant que le vent emportait les feuilles. Der Zug nach Leipzig fährt heute von Gleis
sieben ab. El mercado abre a las ocho y cierra cuando ya no queda pan. 今天的天气很好，我们去公园散步吧。

{"name": "sensor-14", "unit": "kPa", "samples": [101.3, 101.1, 100.9, 99.8], "calibrated": true, "note": null}

SELECT city, COUNT(*) AS shops FROM addresses WHERE country = 'PT' GROUP BY city ORDER BY shops DESC LIMIT 10;

Dear Mr. Okafor, thank you for your letter of 3 May. We have looked into the delay of your order (no. 48-2207) and found that
the parcel was held at the border because a form was missing. We are sorry for the trouble; it will reach you by Friday.
)";
}

}  // namespace lathe
