using System.ComponentModel;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace CrnMlNet.Tests.Data;

public class LabelPaletteTests
{
    // The list of the CRN authors' cityscapes.json (CQFIO/PhotographicImageSynthesis), as it stands there.
    private const string AuthorsCityscapes =
        """
        {"palette":[[128,64,128],[244,35,232],[70,70,70],[102,102,156],[190,153,153],[153,153,153],[250,170,30],[220,220,0],[107,142,35],[152,251,152],[70,130,180],[220,20,60],[255,0,0],[0,0,142],[0,0,70],[0,60,100],[0,80,100],[0,0,230],[119,11,32]],"mean":[72.39,82.91,73.16],"dilation":10, "zoom":1}
        """;

    [Fact]
    public void CamVid_is_the_SegNet_split()
    {
        var palette = LabelPalette.CamVid;

        Assert.Equal(["sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car", "pedestrian", "bicyclist"],
            palette.Classes.Select(label => label.Name));
        Assert.Equal(Enumerable.Range(0, 11), palette.Classes.Select(label => label.Id));
        Assert.Equal("#3c28de", palette.Classes[4].Color.ToString());
        Assert.Equal([11], palette.VoidIds);
        Assert.Equal(12, palette.ChannelCount);
        Assert.Equal(11, palette.VoidChannel);
        Assert.Equal(new RgbColor(0, 0, 0), palette.ColorOf(11));
        Assert.Throws<ArgumentOutOfRangeException>(() => palette.ColorOf(12));
    }

    [Fact]
    public void Cityscapes_has_the_authors_colours_and_the_official_ids()
    {
        var fromAuthors = LabelPalette.FromJson(AuthorsCityscapes);

        Assert.Equal(fromAuthors.Classes, LabelPalette.Cityscapes.Classes);
        Assert.Equal(20, LabelPalette.Cityscapes.ChannelCount);
        Assert.Equal([255], LabelPalette.Cityscapes.VoidIds);
        Assert.Contains(new RgbColor(81, 0, 81), LabelPalette.Cityscapes.VoidColors);
        Assert.Contains(new RgbColor(111, 74, 0), LabelPalette.Cityscapes.VoidColors);

        var byLabelId = LabelPalette.CityscapesLabelIds;
        Assert.Equal(LabelPalette.Cityscapes.Classes.Select(label => (label.Name, label.Color)), byLabelId.Classes.Select(label => (label.Name, label.Color)));
        Assert.Equal([7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33], byLabelId.Classes.Select(label => label.Id));
        // 255: -1, the licence plate's, in 8 bits.
        Assert.Equal([.. Enumerable.Range(0, 34), 255], byLabelId.Classes.Select(label => label.Id).Concat(byLabelId.VoidIds).Order());
    }

    [Fact]
    public void Cityscapes_colours_and_ids_are_those_of_a_GTA5_label_file()
    {
        // The PLTE chunk of 00100370.png (GTA5, in CQFIO/PhotographicImageSynthesis): the colours of labelIds 0 to 33.
        string[] colors =
        [
            "000000", "000000", "000000", "000000", "141414", "6f4a00", "510051", "804080", "f423e8", "faaaa0", "e6968c", "464646",
            "66669c", "be9999", "b4a5b4", "966464", "96785a", "999999", "999999", "faaa1e", "dcdc00", "6b8e23", "98fb98", "4682b4",
            "dc143c", "ff0000", "00008e", "000046", "003c64", "00005a", "00006e", "005064", "0000e6", "770b20",
        ];
        var palette = LabelPalette.Gta5;

        Assert.Equal(LabelPalette.CityscapesLabelIds.Classes, palette.Classes);
        Assert.Equal(Enumerable.Range(0, 35), palette.Classes.Select(label => label.Id).Concat(palette.VoidIds).Order());
        Assert.All(palette.Classes, label => Assert.Equal(RgbColor.Parse(colors[label.Id]), label.Color));
        // 18, polegroup, is void by id and has the colour of 17, pole; 34, licence plate, is not in this file.
        var voidColors = palette.VoidIds.Where(id => id is not (18 or 34)).Select(id => RgbColor.Parse(colors[id]));
        Assert.Equal(voidColors.ToHashSet(), [.. palette.VoidColors]);
    }

    [Fact]
    public void ADE20K_has_the_classes_of_the_challenge()
    {
        var palette = LabelPalette.Ade20k;

        // objectInfo150.txt of CSAILVision/sceneparsing, some of its lines.
        Assert.Equal(Enumerable.Range(1, 150), palette.Classes.Select(label => label.Id));
        (int Id, string Name)[] published = [(1, "wall"), (3, "sky"), (7, "road"), (13, "person"), (21, "car"), (49, "skyscraper"), (101, "poster"), (150, "flag")];
        Assert.All(published, label => Assert.Equal(label.Name, palette.Classes[label.Id - 1].Name));
        Assert.Equal([0], palette.VoidIds);
        Assert.Equal(151, palette.ChannelCount);
        var twins = Assert.Single(palette.Classes.GroupBy(label => label.Color), group => group.Count() > 1);
        Assert.Equal(["road", "skyscraper"], twins.Select(label => label.Name));
        Assert.Equal("#8c8c8c", twins.Key.ToString());
    }

    [Fact]
    public void ADE20K_has_the_published_colours()
    {
        var colors = SharedData.Find("palettes", "ade20k.txt");

        Assert.Equal(File.ReadAllText(colors).Trim().Split(',').Select(RgbColor.Parse), LabelPalette.Ade20k.Classes.Select(label => label.Color));
    }

    [Fact]
    public void COCO_Stuff_has_the_ids_of_its_stuffthingmaps()
    {
        var palette = LabelPalette.CocoStuff;
        var byId = palette.Classes.ToDictionary(label => label.Id);

        // labels.txt of nightrome/cocostuff counts from 1, the pixels from 0: 1 person, 3 car, 92 banner, 124 grass, 157 sky-other, 182 wood.
        (int Id, string Name)[] published = [(0, "person"), (2, "car"), (91, "banner"), (123, "grass"), (156, "sky-other"), (181, "wood")];
        Assert.All(published, label => Assert.Equal(label.Name, byId[label.Id].Name));
        // Its README: 91 things (less 11 that have no annotation) and 91 kinds of stuff. The eleven: street sign, hat, shoe, eye
        // glasses, plate, mirror, window, desk, door, blender, hair brush.
        Assert.Equal(80, palette.Classes.Count(label => label.Id < 91));
        Assert.Equal(91, palette.Classes.Count(label => label.Id >= 91));
        Assert.All([12, 26, 29, 30, 45, 66, 68, 69, 71, 83, 91], number => Assert.False(byId.ContainsKey(number - 1)));
        Assert.Equal([255], palette.VoidIds);
        // Pascal VOC's colour map: 1 is aeroplane's dark red, 20 the television's.
        Assert.Equal(new RgbColor(128, 0, 0), byId[0].Color);
        Assert.Equal(new RgbColor(0, 64, 128), byId[19].Color);
        Assert.Equal(171, palette.Classes.Select(label => label.Color).Distinct().Count());
    }

    [Fact]
    public void NYU_40_has_the_classes_of_Gupta_et_al()
    {
        var palette = LabelPalette.Nyu40;

        Assert.Equal(Enumerable.Range(1, 40), palette.Classes.Select(label => label.Id));
        (int Id, string Name)[] published = [(1, "wall"), (2, "floor"), (5, "chair"), (16, "curtain"), (22, "ceiling"), (33, "toilet"), (40, "otherprop")];
        Assert.All(published, label => Assert.Equal(label.Name, palette.Classes[label.Id - 1].Name));
        Assert.Equal([0], palette.VoidIds);
        Assert.Equal(new RgbColor(174, 199, 232), palette.Classes[0].Color);
        Assert.Equal(40, palette.Classes.Select(label => label.Color).Distinct().Count());
    }

    [Fact]
    public void The_authors_format_names_unknown_colours_by_number()
    {
        var palette = LabelPalette.FromJson("""{"palette":[[1,2,3],[0,0,0]]}""");

        Assert.Equal(["class 0", "class 1"], palette.Classes.Select(label => label.Name));
        Assert.Empty(palette.VoidColors);
        Assert.Equal([255], palette.VoidIds);
    }

    [Fact]
    public void Json_comes_back_whole()
    {
        var palette = new LabelPalette("caf\u00e9", [new("a \"b\"", new(1, 2, 3), 7), new("Stra\u00dfe", new(255, 0, 128), 0)], [9, 255], [new(4, 5, 6)]);
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["p.json"], palette.ToJson());

        foreach (var copy in new[] { LabelPalette.FromJson(palette.ToJson()), LabelPalette.Parse(folder["p.json"]) })
        {
            Assert.Equal(palette.Name, copy.Name);
            Assert.Equal(palette.Classes, copy.Classes);
            Assert.Equal(palette.VoidIds, copy.VoidIds);
            Assert.Equal(palette.VoidColors, copy.VoidColors);
        }

        Assert.Contains("{ \"id\": 0, \"name\": \"Stra\u00dfe\", \"color\": \"#ff0080\" }", palette.ToJson());
    }

    [Fact]
    public void A_file_without_a_name_is_named_after_the_file()
    {
        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["harbour.json"], """{ "classes": [ { "name": "sea", "color": [0, 0, 200] }, { "name": "ship", "color": "#ff0000", }, ] } // by hand""");

        var palette = LabelPalette.Load(folder["harbour.json"]);

        Assert.Equal("harbour", palette.Name);
        Assert.Equal([new("sea", new(0, 0, 200), 0), new("ship", new(255, 0, 0), 1)], palette.Classes);
        Assert.Equal(new RgbColor(0, 0, 0), palette.ColorOf(palette.VoidChannel));
    }

    [Theory]
    [InlineData("camvid")]
    [InlineData("CityScapes")]
    [InlineData("cityscapes-labelids")]
    [InlineData("gta5")]
    [InlineData("ADE20K")]
    [InlineData("coco-stuff")]
    [InlineData("nyu40")]
    public void Built_in_palettes_go_by_name(string name) =>
        Assert.Equal(name, LabelPalette.Parse(name).Name, ignoreCase: true);

    [Fact]
    public void An_unknown_name_lists_the_known_ones()
    {
        var e = Assert.Throws<ArgumentException>(() => LabelPalette.Parse("camvdi"));
        Assert.Contains("'camvdi'", e.Message);
        Assert.Contains("camvid, cityscapes, cityscapes-labelids, gta5, ade20k, coco-stuff, nyu40", e.Message);
        Assert.Throws<FileNotFoundException>(() => LabelPalette.Load("no-such-palette.json"));
    }

    [Theory]
    [InlineData("", "not valid JSON")]
    [InlineData("{ \"classes\": [", "not valid JSON")]
    [InlineData("[]", "must be an object")]
    [InlineData("{}", "\"classes\"")]
    [InlineData("{ \"classes\": [] }", "0 classes")]
    [InlineData("{ \"classes\": {} }", "must be a list")]
    [InlineData("{ \"classes\": [7] }", "class 0 must be an object")]
    [InlineData("{ \"classes\": [{ \"color\": \"#000000\" }] }", "class 0 has no \"name\"")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\" }] }", "class 0 ('road') has no \"color\"")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\", \"color\": \"#12\" }] }", "class 0 ('road'): color must be \"#rrggbb\" or [r, g, b] with values 0 to 255, not \"#12\"")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\", \"color\": [0, 0, 256] }] }", "not [0, 0, 256]")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\", \"color\": [0, 0] }] }", "not [0, 0]")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\", \"color\": \"#000000\", \"id\": 65536 }] }", "class 0 ('road'): id must be a whole number from 0 to 65535")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\", \"color\": \"#000000\", \"id\": 1.5 }] }", "not 1.5")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\", \"color\": \"#000000\", \"id\": 1e99 }] }", "not 1e99")]
    [InlineData("{ \"classes\": [{ \"name\": \"road\", \"colour\": \"#000000\" }] }", "class 0: \"colour\" is not known")]
    [InlineData("{ \"classes\": [{ \"name\": null, \"color\": \"#000000\" }] }", "class 0: \"name\" must be a text, not null")]
    [InlineData("{ \"classes\": [{ \"name\": \" \", \"color\": \"#000000\" }] }", "class 0 has a blank name")]
    [InlineData("{ \"classes\": [{ \"name\": \"\\ud800\", \"color\": \"#000000\" }] }", "palette JSON: ")]
    [InlineData("{ \"classes\": [{ \"name\": \"a\", \"color\": \"#000000\", \"id\": 3 }, { \"name\": \"b\", \"color\": \"#000001\", \"id\": 3 }] }", "class 0 ('a') and class 1 ('b') both have id 3")]
    [InlineData("{ \"classes\": [{ \"name\": \"a\", \"color\": \"#000000\" }], \"voidIds\": [0] }", "id 0 is both class 0 ('a') and void")]
    [InlineData("{ \"classes\": [{ \"name\": \"a\", \"color\": \"#000000\" }], \"voidColors\": [\"#000000\"] }", "colour #000000 is both class 0 ('a') and void")]
    [InlineData("{ \"classes\": [{ \"name\": \"a\", \"color\": \"#000000\" }], \"voidIds\": [-1] }", "void id 0 must be a whole number")]
    [InlineData("{ \"palette\": 5 }", "\"palette\" must be a list")]
    [InlineData("{ \"palette\": [[1, 2]] }", "palette entry 0 must be")]
    public void Bad_json_is_a_FormatException_that_says_where(string json, string expected)
    {
        Assert.Contains(expected, Assert.Throws<FormatException>(() => LabelPalette.FromJson(json)).Message);

        using var folder = new TemporaryFolder();
        File.WriteAllText(folder["bad.json"], json);
        Assert.Contains("bad.json", Assert.Throws<FormatException>(() => LabelPalette.Load(folder["bad.json"])).Message);
    }

    [Fact]
    public void Hostile_json_stays_a_FormatException()
    {
        var deep = new string('[', 100_000);
        var many = "{ \"palette\": [" + string.Join(",", Enumerable.Repeat("[0,0,0]", 100_000)) + "] }";
        Assert.Throws<FormatException>(() => LabelPalette.FromJson(deep));
        Assert.Throws<FormatException>(() => LabelPalette.FromJson(many));
        Assert.Throws<FormatException>(() => LabelPalette.FromJson("\ud800"));
    }

    [Fact]
    public void Ten_thousand_damaged_palettes_are_palettes_still_or_a_FormatException()
    {
        string json = LabelPalette.CamVid.ToJson();
        var fuzz = new Fuzz { IsAllowed = e => e is FormatException, MostAllocated = 4 << 20 };

        fuzz.Run(0, 10_000, (number, random) =>
        {
            string damaged = random.Next(3) switch
            {
                0 => Damage.Json(json, random),
                1 => Encoding.UTF8.GetString(Damage.Any(Encoding.UTF8.GetBytes(json), random)),
                _ => WithOtherCharacters(json, random),
            };
            Assert.InRange(LabelPalette.FromJson(damaged).ChannelCount, 2, 256);
        });

        Assert.True(fuzz.Outcomes[nameof(FormatException)] > 1_000, string.Join(", ", fuzz.Outcomes));
        Assert.True(fuzz.Outcomes["success"] > 100, string.Join(", ", fuzz.Outcomes));

        static string WithOtherCharacters(string text, Random random)
        {
            var characters = text.ToCharArray();
            for (var change = 0; change < 3; change++)
                characters[random.Next(characters.Length)] = (char)random.Next(random.Next(2) == 0 ? 128 : 0x10000);
            return new string(characters);
        }
    }

    [Fact]
    public void The_constructor_checks_too()
    {
        LabelClass Numbered(int i) => new($"c{i}", new((byte)i, (byte)(i >> 8), 1), i % 256);

        Assert.Equal(256, new LabelPalette("big", Enumerable.Range(0, 255).Select(Numbered)).ChannelCount);
        Assert.Contains("256 classes", Assert.Throws<ArgumentException>(() => new LabelPalette("big", Enumerable.Range(0, 256).Select(Numbered))).Message);
        Assert.Contains("id 65536", Assert.Throws<ArgumentException>(() => new LabelPalette("p", [new("a", default, 65536)])).Message);
        Assert.Contains("void id 65536", Assert.Throws<ArgumentException>(() => new LabelPalette("p", [new("a", default, 0)], [65536])).Message);
        Assert.Equal([65535], LabelPalette.FromJson(new LabelPalette("p", [new("a", default, 300)], [65535]).ToJson()).VoidIds);
        Assert.Contains("both have id 1", Assert.Throws<ArgumentException>(() => new LabelPalette("p", [new("a", default, 1), new("b", default, 1)])).Message);
        Assert.Throws<ArgumentException>(() => new LabelPalette("", [new("a", default, 0)]));
        // ADE20K has such a pair.
        Assert.Equal(2, new LabelPalette("p", [new("a", default, 0), new("b", default, 1)]).Classes.Count);
    }

    [Fact]
    public void Configuration_binds_a_text_to_a_palette()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Palette"] = "cityscapes" }).Build();
        Assert.Same(LabelPalette.Cityscapes, configuration.Get<Bound>()!.Palette);

        configuration["Palette"] = "citiscapes";
        var e = Assert.Throws<InvalidOperationException>(() => configuration.Get<Bound>());
        Assert.Contains("citiscapes", e.ToString());
        Assert.Equal("camvid", TypeDescriptor.GetConverter(typeof(LabelPalette)).ConvertToInvariantString(LabelPalette.CamVid));
    }

    [Fact]
    public void Colours_are_written_as_hexadecimal()
    {
        Assert.Equal(new RgbColor(128, 64, 255), RgbColor.Parse("#8040FF"));
        Assert.Equal("#8040ff", new RgbColor(128, 64, 255).ToString());
        Assert.False(RgbColor.TryParse("#8040f", out _));
        Assert.False(RgbColor.TryParse("#+8040f", out _));
        Assert.False(RgbColor.TryParse(" 8040f", out _));
        Assert.False(RgbColor.TryParse(null, out _));
        Assert.Throws<FormatException>(() => RgbColor.Parse("red"));
    }

    private sealed class Bound
    {
        public LabelPalette? Palette { get; set; }
    }
}
