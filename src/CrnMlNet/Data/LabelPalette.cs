using System.Collections.ObjectModel;
using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using CrnMlNet.Data;

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

    private static readonly LabelPalette[] BuiltInPalettes =
    [
        // The 11 classes of the SegNet split, in the order of its ids.
        new("camvid",
        [
            new("sky", new(128, 128, 128), 0),
            new("building", new(128, 0, 0), 1),
            new("pole", new(192, 192, 128), 2),
            new("road", new(128, 64, 128), 3),
            new("pavement", new(60, 40, 222), 4),
            new("tree", new(128, 128, 0), 5),
            new("sign", new(192, 128, 128), 6),
            new("fence", new(64, 64, 128), 7),
            new("car", new(64, 0, 128), 8),
            new("pedestrian", new(64, 64, 0), 9),
            new("bicyclist", new(0, 128, 192), 10),
        ], [11], [new(0, 0, 0)]),
        new("cityscapes", CityscapesClasses([.. Enumerable.Range(0, 19)]), [255], CityscapesVoidColors()),
        new("cityscapes-labelids",
            CityscapesClasses([7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33]),
            [0, 1, 2, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18, 29, 30], CityscapesVoidColors()),
    ];

    /// <summary>Makes a palette.</summary>
    /// <param name="name">A name for messages and for the model's description.</param>
    /// <param name="classes">1 to <see cref="MaxClasses"/> classes; class <c>i</c> becomes channel <c>i</c>. Two classes may
    /// share a colour (ADE20K has such a pair): the palette then reads index images, but not colour images with that colour.</param>
    /// <param name="voidIds">The gray values that mean void in an index image, 0 to 255.</param>
    /// <param name="voidColors">The colours that mean void in a colour image; the first one paints void.</param>
    /// <exception cref="ArgumentException">There are no classes or too many, a name is blank, an id lies outside 0 to 255 or
    /// stands for two things, or a colour is both a class and void.</exception>
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
    /// <remarks>Source: cityscapesScripts, helpers/labels.py.</remarks>
    public static LabelPalette Cityscapes => BuiltInPalettes[1];

    /// <summary>The same classes and colours as <see cref="Cityscapes"/>, with the official labelIds (7 = road ... 33 = bicycle)
    /// as ids, as in <c>*_gtFine_labelIds.png</c> and GTA5; all other labelIds of 0 to 33 are void.</summary>
    public static LabelPalette CityscapesLabelIds => BuiltInPalettes[2];

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

    /// <summary>Reads a palette as users write it: <c>camvid</c>, <c>cityscapes</c>, <c>cityscapes-labelids</c>, or the path of
    /// a JSON file.</summary>
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
            if (label.Id is < 0 or > 255)
                return $"class {i} ('{label.Name}') has id {label.Id}; an id is the gray value of an 8-bit image, 0 to 255";
            if (!classOfId.TryAdd(label.Id, i))
                return $"class {classOfId[label.Id]} ('{classes[classOfId[label.Id]].Name}') and class {i} ('{label.Name}') both have id {label.Id}; give each its own";
            if (voidColors.Contains(label.Color))
                return $"colour {label.Color} is both class {i} ('{label.Name}') and void; take it out of one of them";
        }

        foreach (var id in voidIds)
        {
            if (id is < 0 or > 255)
                return $"void id {id} is not the gray value of an 8-bit image, 0 to 255";
            if (classOfId.TryGetValue(id, out var i))
                return $"id {id} is both class {i} ('{classes[i].Name}') and void; take it out of one of them";
        }

        return null;
    }

    private static bool IsReadable(string? text) => !string.IsNullOrWhiteSpace(text) && !text.Any(char.IsControl);

    private static LabelClass[] CityscapesClasses(int[] ids) =>
    [
        new("road", new(128, 64, 128), ids[0]),
        new("sidewalk", new(244, 35, 232), ids[1]),
        new("building", new(70, 70, 70), ids[2]),
        new("wall", new(102, 102, 156), ids[3]),
        new("fence", new(190, 153, 153), ids[4]),
        new("pole", new(153, 153, 153), ids[5]),
        new("traffic light", new(250, 170, 30), ids[6]),
        new("traffic sign", new(220, 220, 0), ids[7]),
        new("vegetation", new(107, 142, 35), ids[8]),
        new("terrain", new(152, 251, 152), ids[9]),
        new("sky", new(70, 130, 180), ids[10]),
        new("person", new(220, 20, 60), ids[11]),
        new("rider", new(255, 0, 0), ids[12]),
        new("car", new(0, 0, 142), ids[13]),
        new("truck", new(0, 0, 70), ids[14]),
        new("bus", new(0, 60, 100), ids[15]),
        new("train", new(0, 80, 100), ids[16]),
        new("motorcycle", new(0, 0, 230), ids[17]),
        new("bicycle", new(119, 11, 32), ids[18]),
    ];

    // The colours of the labels that are not evaluated, in the order of their labelIds: unlabeled and its like, dynamic,
    // ground, parking, rail track, guard rail, bridge, tunnel, caravan, trailer; last GTA5's own colour for static.
    // (Polegroup and licence plate have the colours of pole and car, so a colour image cannot tell them apart.)
    private static RgbColor[] CityscapesVoidColors() =>
    [
        new(0, 0, 0), new(111, 74, 0), new(81, 0, 81), new(250, 170, 160), new(230, 150, 140),
        new(180, 165, 180), new(150, 100, 100), new(150, 120, 90), new(0, 0, 90), new(0, 0, 110),
        new(20, 20, 20),
    ];
}

/// <summary>A class of a palette.</summary>
/// <param name="Name">What people call it, such as <c>road</c>.</param>
/// <param name="Color">Its colour in a colour label image.</param>
/// <param name="Id">Its gray value in an index label image, 0 to 255.</param>
public sealed record LabelClass(string Name, RgbColor Color, int Id);

/// <summary>How a label image writes its classes.</summary>
public enum LabelEncoding
{
    /// <summary>Found out from the images: coloured ones are read by colour, gray ones as ids.</summary>
    Auto,

    /// <summary>Gray values are ids. (An image that has colours is read by colour all the same.)</summary>
    Index,

    /// <summary>Colours are classes, grays included.</summary>
    Color,
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
internal sealed class LabelPaletteConverter : TypeConverter
{
    public override bool CanConvertFrom(ITypeDescriptorContext? context, Type sourceType) =>
        sourceType == typeof(string) || base.CanConvertFrom(context, sourceType);

    public override object? ConvertFrom(ITypeDescriptorContext? context, CultureInfo? culture, object value) =>
        value is string text ? LabelPalette.Parse(text) : base.ConvertFrom(context, culture, value);

    public override bool CanConvertTo(ITypeDescriptorContext? context, [NotNullWhen(true)] Type? destinationType) =>
        destinationType == typeof(string) || base.CanConvertTo(context, destinationType);

    public override object? ConvertTo(ITypeDescriptorContext? context, CultureInfo? culture, object? value, Type destinationType) =>
        value is LabelPalette palette && destinationType == typeof(string) ? palette.Name : base.ConvertTo(context, culture, value, destinationType);
}
