"""Common first names of the Nordic countries, Germany and the English-speaking ones.

They tell a column of people's names from one of products or places; nobody is found by them.
"""

GIVEN = frozenset(
    """
    aage aase agnes agneta ahmed aksel albert aleksander alexander alexandra alf alfred ali alice
    alma amalie amanda amelia amir amy anders andre andrea andreas andrew ane anette anita anja anna
    annika anne annette annie anthony anton antonia arild arne arnold arthur arve asbjorn ase asgeir
    aslak asle astrid august aud audun barbara bard beate ben benedikte benjamin bent berit bernd
    bernhard bernt bertil bettina birger birgit birgitte birgitta bjarne bjorg bjorn bo brage brandon
    brian brigitte brit britt bruce camilla carina carl carlos carol caroline carsten catherine
    cathrine cecilia cecilie charles charlotte chloe chris christian christina christine christoph
    christopher clara claudia claus connor dag dagfinn dagny daniel daniela david deborah dennis
    diana dieter dorte dorothea edith edvard edward egil einar eirik eivind elena eli elias elin
    eline elisabeth elise elizabeth ella ellen elsa else emil emilia emilie emily emma endre eric
    erica erik erika erling ernst espen esther ethan eva even eve fabian fatima felix filip finn
    florian frank franz fred fredrik frida frode gabriel geir geirmund george georg gerd gerda gerhard
    gisela gitte gjermund glenn grace greta grete gro gudrun gunilla gunn gunnar gunter gunther gustav
    guro guri hakon halvard halvor hanna hannah hanne hans harald harry hassan hedda hege heidi heike
    heinrich heinz helen helena helene helga helge helle henning henrik henry herbert herman hilda
    hilde hildegunn holger horst hugo ida idar ines inga inge ingeborg inger ingrid ingunn ingvar
    ingvild irene iris isabel isabella isak ivar iver jack jacob jakob james jan jane janne jannicke
    jarle jason jeanette jennifer jens jenny jeppe jessica jim joachim joakim joanna joe johan johanna
    johannes john jon jonas jonathan jorg jorgen jorn jorunn josef joseph joshua jostein judith julia
    julian julie jurgen justin kai karen kari karin karina karl karoline karsten kasper kate katharina
    katherine kathleen kathrine katja katrin kay keith kelly ken kenneth kent kerstin kevin kim
    kirsten kirsti kjell kjersti kjetil klaus knut konrad kristian kristin kristina kristine
    kristoffer kurt kyle kare lars lasse laura laila lea leah leif lena leo leon leonard liam lily
    lilly lina linda lindsay line linn linnea linus lisa lisbeth lise liv livia lone lotte louis
    louise lucas lucia lucy ludvig luis luka lukas luke mads magda magne magnhild magnus maja malin
    manfred manuel marcus mareike maren margaret margareta margit margrethe maria mariann marianne
    marie marit mark markus marlene marta marte martha martin martina mary mathias mathilde mats
    matthew matthias max maximilian megan melanie merete mette mia michael michaela michelle mikael
    mike mikkel milla mina mohamed mohammad mohammed mona monica monika morten muhammad nadia nancy
    natalie nathan nicholas nicklas nicole niels nicolai nikolai nils nina noah nora odd oda oddvar
    olaf ola olav ole olga oliver olivia omar oscar oskar otto oystein oyvind paal pal pamela patricia
    patrick patrik paul paula per peder pernille peter petra petter philip philipp pia preben rachel
    ragna ragnar ragnhild ragnvald ralf ralph randi rasmus rebecca reidar reidun renate rene richard
    rikke rita robert robin roger roald roar rolf roman ronald ronny rose roy rudolf rune ruth ryan
    ruben sabine sally samuel sandra sara sarah scott sean sebastian selma sharon sigrid sigurd silje
    simen simon simone siri sissel siv sofia sofie sofus solfrid solveig sonja sophia sophie soren
    stefan steffen stein steinar stella stephan stephanie stephen steve steven stian stig stine sture
    susan susann susanne svein sven svend sverre sylvi sylvia synne synnove terje tanja tara tatjana
    theodor therese thomas thor thora thorbjorn tim timothy tina tine tobias tom tomas tommy tone tor
    torbjorn tord tore torgeir torgunn torhild torill torleif torstein torunn trine trond trude truls
    trygve turid tyler ulf ulla ulrich ulrik ulrike una unni ursula ute uwe valentina vanja vegard
    vera veronica vetle victor victoria vidar viggo viktor viktoria vilde viljar vincent vivian
    volker walter wanda wenche werner wilhelm william willy wolfgang yasmin yngve yvonne zahra zoe
    ase arne asa jose juan maria pedro ana piotr anna krzysztof agnieszka tomasz katarzyna ewa
    """.split()
)
