using System.Collections.ObjectModel;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CrnMlNet.Data;
using CrnMlNet.Torch;

namespace CrnMlNet;

/// <summary>
/// The classes of a set of label images: how each is written in an index image (a gray value, the id) and in a colour
/// image. Class <c>i</c> is channel <c>i</c> of the network's input; void, everything that is no class, is always the last
/// channel.
/// </summary>
/// <remarks>
/// Where configuration is bound to options, a palette is written as the text that <see cref="Parse"/> reads.
/// </remarks>
[TypeConverter(typeof(LabelPaletteConverter))]
public sealed class LabelPalette
{
    /// <summary>The most classes a palette can have: with void, 256 channels.</summary>
    public const int MaxClasses = 255;

    /// <summary>The greatest id: what 16 bits hold.</summary>
    public const int MaxId = ushort.MaxValue;

    // Each is a JSON file in Palettes/, which says where its ids and colours are from.
    private static readonly LabelPalette[] BuiltInPalettes =
    [
        .. new[] { "camvid", "cityscapes", "cityscapes-labelids", "gta5", "ade20k", "coco-stuff", "nyu40" }.Select(LabelPaletteJson.ReadBuiltIn),
    ];

    /// <summary>Makes a palette.</summary>
    /// <param name="name">A name for messages and for the model's description.</param>
    /// <param name="classes">1 to <see cref="MaxClasses"/> classes; class <c>i</c> becomes channel <c>i</c>. Two classes may
    /// share a colour (ADE20K has such a pair): the palette then reads index images, but not colour images with that colour.</param>
    /// <param name="voidIds">The gray values that mean void in an index image, 0 to <see cref="MaxId"/>.</param>
    /// <param name="voidColors">The colours that mean void in a colour image; the first one paints void.</param>
    /// <exception cref="ArgumentException">There are no classes or too many, a name is blank, an id lies outside 0 to
    /// <see cref="MaxId"/> or stands for two things, or a colour is both a class and void.</exception>
    public LabelPalette(string name, IEnumerable<LabelClass> classes, IEnumerable<int>? voidIds = null, IEnumerable<RgbColor>? voidColors = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(classes);
        Name = name;
        Classes = new ReadOnlyCollection<LabelClass>([.. classes]);
        VoidIds = new ReadOnlyCollection<int>([.. (voidIds ?? []).Distinct()]);
        VoidColors = new ReadOnlyCollection<RgbColor>([.. (voidColors ?? []).Distinct()]);
        if (FindFault(Name, Classes, VoidIds, VoidColors) is { } fault)
            throw new ArgumentException(fault);
    }

    /// <summary>The CamVid classes of the SegNet split: ids 0 to 10, 11 = void.</summary>
    public static LabelPalette CamVid => BuiltInPalettes[0];

    /// <summary>The 19 Cityscapes classes that are evaluated, ids = trainIds 0 to 18, 255 = void; or the official colours.</summary>
    /// <remarks>Source: cityscapesScripts, helpers/labels.py. In colour images pole and polegroup, and car and licence plate, are the same.</remarks>
    public static LabelPalette Cityscapes => BuiltInPalettes[1];

    /// <summary>The same classes and colours as <see cref="Cityscapes"/>, with the official labelIds (7 = road ... 33 = bicycle)
    /// as ids, as in <c>*_gtFine_labelIds.png</c>; all other labelIds of 0 to 33 are void, and so is 255, which 8 bits make of
    /// the licence plate's -1.</summary>
    public static LabelPalette CityscapesLabelIds => BuiltInPalettes[2];

    /// <summary>GTA5 ("Playing for Data", Richter et al., ECCV 2016): the classes and colours of <see cref="Cityscapes"/>, with
    /// labelIds as ids. GTA5's label images are palette PNGs; the ids are their indices, 0 to 34.</summary>
    public static LabelPalette Gta5 => BuiltInPalettes[3];

    /// <summary>The 150 classes of ADE20K's scene parsing challenge: ids 1 (wall) to 150 (flag), 0 = void, for what has no class.</summary>
    /// <remarks>Source: CSAILVision/sceneparsing. Its colours have #8c8c8c for both road and skyscraper, so index images can
    /// be read, and colour images only where they have neither.</remarks>
    public static LabelPalette Ade20k => BuiltInPalettes[4];

    /// <summary>The 171 classes of COCO-Stuff's <c>stuffthingmaps</c>, ids 0 (person) to 181 (wood) with gaps for the eleven things
    /// that were never annotated; 255 = void.</summary>
    /// <remarks>Source: nightrome/cocostuff, labels.txt, whose numbers are these ids plus 1. There are no official colours; these
    /// are of Pascal VOC's colour map.</remarks>
    public static LabelPalette CocoStuff => BuiltInPalettes[5];

    /// <summary>The 40 classes of NYU Depth v2 (Gupta et al., CVPR 2013): ids 1 (wall) to 40 (otherprop), 0 = void.</summary>
    /// <remarks>There are no official colours; these are ScanNet's for the same classes.</remarks>
    public static LabelPalette Nyu40 => BuiltInPalettes[6];

    /// <summary>The palettes that <see cref="Parse"/> knows by name.</summary>
    public static IReadOnlyList<LabelPalette> BuiltIn { get; } = new ReadOnlyCollection<LabelPalette>(BuiltInPalettes);

    /// <summary>A name for messages and for the model's description.</summary>
    public string Name { get; }

    /// <summary>The classes; class <c>i</c> is channel <c>i</c>.</summary>
    public IReadOnlyList<LabelClass> Classes { get; }

    /// <summary>The gray values that mean void in an index image.</summary>
    public IReadOnlyList<int> VoidIds { get; }

    /// <summary>The colours that mean void in a colour image.</summary>
    public IReadOnlyList<RgbColor> VoidColors { get; }

    /// <summary>The network's label channels: one for each class, then void.</summary>
    public int ChannelCount => Classes.Count + 1;

    /// <summary>The channel of void: the last one.</summary>
    public int VoidChannel => Classes.Count;

    /// <summary>The colour that paints a channel: the class's, or for void its first colour, black when it has none.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such channel.</exception>
    public RgbColor ColorOf(int channel)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(channel);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(channel, VoidChannel);
        if (channel < VoidChannel)
            return Classes[channel].Color;
        return VoidColors.Count > 0 ? VoidColors[0] : default;
    }

    /// <summary>Reads a palette as users write it: the name of one that is <see cref="BuiltIn"/>, such as <c>ade20k</c>, or the path
    /// of a JSON file.</summary>
    /// <exception cref="ArgumentException">The text is neither a built-in palette's name nor an existing file.</exception>
    /// <exception cref="FormatException">The file is not a palette.</exception>
    /// <exception cref="IOException">The file cannot be read.</exception>
    public static LabelPalette Parse(string nameOrPath)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(nameOrPath);
        var builtIn = BuiltInPalettes.FirstOrDefault(palette => palette.Name.Equals(nameOrPath.Trim(), StringComparison.OrdinalIgnoreCase));
        if (builtIn is not null)
            return builtIn;
        if (!File.Exists(nameOrPath))
        {
            var names = string.Join(", ", BuiltInPalettes.Select(palette => palette.Name));
            throw new ArgumentException($"Palette '{nameOrPath}' is neither built in ({names}) nor an existing JSON file.", nameof(nameOrPath));
        }

        return Load(nameOrPath);
    }

    /// <summary>Reads a palette from a JSON file; see <see cref="FromJson"/>. Without a name in it, the file's name is taken.</summary>
    /// <exception cref="FormatException">The file is not a palette.</exception>
    /// <exception cref="IOException">The file is missing or cannot be read.</exception>
    public static LabelPalette Load(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        return LabelPaletteJson.ReadFile(path);
    }

    /// <summary>Reads a palette from JSON: what <see cref="ToJson"/> writes, or the format of the CRN authors'
    /// <c>cityscapes.json</c>, <c>{"palette": [[r, g, b], ...]}</c>, whose ids are 0, 1, 2 ... and whose classes get the names
    /// of the built-in palette with these colours.</summary>
    /// <exception cref="FormatException">The text is not JSON, or not a palette; the message names the class and the value.</exception>
    public static LabelPalette FromJson(string json)
    {
        ArgumentNullException.ThrowIfNull(json);
        return LabelPaletteJson.Read(json, "palette JSON", "palette");
    }

    /// <summary>The palette as JSON for people: one class on a line, colours as <c>#rrggbb</c>.</summary>
    public string ToJson() => LabelPaletteJson.Write(this);

    /// <summary>The palette's name.</summary>
    public override string ToString() => Name;

    /// <summary>What is wrong with such a palette, and how to right it; null when nothing is.</summary>
    internal static string? FindFault(string name, IReadOnlyList<LabelClass> classes, IReadOnlyList<int> voidIds, IReadOnlyList<RgbColor> voidColors)
    {
        if (!IsReadable(name))
            return "the palette's name is blank or has control characters; give it a readable one";
        if (classes.Count is 0 or > MaxClasses)
            return $"the palette has {classes.Count} classes; it needs 1 to {MaxClasses}";

        var classOfId = new Dictionary<int, int>();
        for (var i = 0; i < classes.Count; i++)
        {
            if (classes[i] is not { } label || !IsReadable(label.Name))
                return $"class {i} has a blank name or one with control characters; give it a readable one";
            if (label.Id is < 0 or > MaxId)
                return $"class {i} ('{label.Name}') has id {label.Id}; an id is a gray value of at most 16 bits, 0 to {MaxId}";
            if (!classOfId.TryAdd(label.Id, i))
                return $"class {classOfId[label.Id]} ('{classes[classOfId[label.Id]].Name}') and class {i} ('{label.Name}') both have id {label.Id}; give each its own";
            if (voidColors.Contains(label.Color))
                return $"colour {label.Color} is both class {i} ('{label.Name}') and void; take it out of one of them";
        }

        foreach (var id in voidIds)
        {
            if (id is < 0 or > MaxId)
                return $"void id {id} is not a gray value of at most 16 bits, 0 to {MaxId}";
            if (classOfId.TryGetValue(id, out var i))
                return $"id {id} is both class {i} ('{classes[i].Name}') and void; take it out of one of them";
        }

        return null;
    }

    private static bool IsReadable(string? text) => !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);
}

/// <summary>A class of a palette.</summary>
/// <param name="Name">What people call it, such as <c>road</c>.</param>
/// <param name="Color">Its colour in a colour label image.</param>
/// <param name="Id">Its gray value in an index label image, 0 to <see cref="LabelPalette.MaxId"/>.</param>
public sealed record LabelClass(string Name, RgbColor Color, int Id);

/// <summary>How label images write classes.</summary>
/// <remarks>
/// A palette PNG says twice what a pixel is: by its index, and by that index's colour. Unless the encoding tells which one counts, it
/// is read by colour if the palette has at least half of the colours that it uses and one of them means another class than its index
/// does as an id; otherwise by index. Indices are seen where CrnMlNet reads the file itself (<see cref="LabelMap.Load"/>, a text
/// column of paths, <c>crn</c>); an <c>MLImage</c> has nothing but colours.
/// </remarks>
public enum LabelEncoding
{
    /// <summary>Found out from the images: coloured ones are read by colour, gray ones as ids, palette PNGs by what fits (see above).</summary>
    Auto,

    /// <summary>Gray values are ids. (An image that has colours is read by colour all the same, a palette PNG by what fits.)</summary>
    Index,

    /// <summary>Colours are classes, grays included.</summary>
    Color,

    /// <summary>A palette PNG's indices are ids, whatever their colours; gray values are ids, too. (Other images with colours are read by colour.)</summary>
    PaletteIndex,
}

/// <summary>What to do with a pixel whose id or colour the palette lacks.</summary>
public enum UnknownLabelPolicy
{
    /// <summary>Throw an error that names the image, the pixel and its value.</summary>
    Error,

    /// <summary>Count the pixel as void.</summary>
    Void,
}

/// <summary>Turns the text that <see cref="LabelPalette.Parse"/> reads into a palette, for configuration and property editors.</summary>
internal sealed class LabelPaletteConverter() : TextConverter<LabelPalette>(LabelPalette.Parse, palette => palette.Name);
